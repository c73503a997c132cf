// S3's own error codes with their statuses, and the XML that carries them.
import { xml } from './xml.ts';

const catalogue = {
  AccessDenied: [403, 'Access Denied'],
  AuthorizationHeaderMalformed: [400, 'The authorization header is malformed.'],
  AuthorizationQueryParametersError: [400, 'The presigned query is malformed.'],
  BadDigest: [400, 'The checksum you specified did not match what we received.'],
  BucketAlreadyOwnedByYou: [409, 'You already own a bucket of this name.'],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty.'],
  ConditionalRequestConflict: [409, 'A delete of the same key came in between: look at the object and try again.'],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed size.'],
  EntityTooSmall: [400, 'A part is smaller than 5 MiB and is not the last.'],
  IncompleteBody: [400, 'You did not provide the number of bytes that the headers promise.'],
  InsufficientStorage: [507, 'The disk of the local S3 server is full. Free space, or use another data folder.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidAccessKeyId: [403, 'The AWS access key id you provided does not exist in our records.'],
  InvalidArgument: [400, 'Invalid argument.'],
  InvalidBucketName: [400, 'The bucket name must be 3 to 63 lower-case letters, digits, dots and hyphens.'],
  InvalidDigest: [400, 'The Content-MD5 you specified is not valid.'],
  InvalidPart: [400, 'A part could not be found, or its entity tag or checksum is not the one uploaded.'],
  InvalidPartNumber: [416, 'The requested part number is not satisfiable.'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order.'],
  InvalidRange: [416, 'The requested range is not satisfiable.'],
  InvalidRequest: [400, 'Invalid request.'],
  InvalidURI: [400, 'The URI could not be parsed.'],
  KeyTooLongError: [400, 'Your key is too long: at most 1024 bytes of UTF-8.'],
  MalformedXML: [400, 'The XML you provided was not well-formed or is not what this operation takes.'],
  MetadataTooLarge: [400, 'Your metadata headers exceed 2048 bytes.'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  NoSuchBucket: [404, 'The specified bucket does not exist.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchUpload: [404, 'The upload id is not valid: it never was, or it was completed or aborted.'],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NotImplemented: [501, 'The local S3 server does not have this.'],
  PreconditionFailed: [412, 'At least one of the preconditions you specified did not hold.'],
  RequestTimeTooSkewed: [403, "The difference between the request time and the server's time is too large."],
  RequestTimeout: [400, 'The body was not received within the timeout.'],
  SignatureDoesNotMatch: [403, 'The request signature we calculated does not match the signature you provided.'],
  XAmzContentSHA256Mismatch: [400, 'The x-amz-content-sha256 header does not match the SHA-256 of the body.'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type S3Code = keyof typeof catalogue;

export interface S3ErrorDetails {
  /** Instead of the code's own message. */
  readonly message?: string;
  /** More elements of the XML. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3Code;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: S3Code, details: S3ErrorDetails = {}) {
    super(details.message ?? catalogue[code][1]);
    this.code = code;
    this.status = catalogue[code][0];
    this.fields = details.fields ?? {};
    this.headers = details.headers ?? {};
  }
}

/** Whatever was thrown, as the error a client may see: nothing of our own faults but the disk being full. */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  const code = systemCode(error);
  // EFBIG: a limit on file sizes (ulimit, FAT) is the same to the writer.
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return new S3Error('InsufficientStorage');
  return new S3Error('InternalError');
}

export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function errorXml(error: S3Error, resource: string, requestId: string): string {
  return xml('Error', [
    ['Code', error.code],
    ['Message', error.message],
    ...Object.entries(error.fields),
    ['Resource', resource],
    ['RequestId', requestId],
  ]);
}
