// Reads a request's body once, in bounded memory, and believes nothing that the headers and trailers say about it.
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import {
  type Algorithm,
  algorithms,
  type Checksum,
  checksumHeader,
  hasher,
  isChecksumValue,
  toAlgorithm,
} from './checksums.ts';
import { decodeChunked } from './chunked.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export interface BodyFacts {
  /** Bytes of the payload. */
  readonly size: number;
  /** MD5 in hex: the ETag of what is put in one go. */
  readonly md5: string;
  /** Given by the client and found right, or asked for by `algorithm`. */
  readonly checksum: Checksum | undefined;
}

/**
 * Hands the payload to `sink` as it arrives and answers what it was. Throws after the last byte when a length, MD5,
 * SHA-256, checksum or chunk signature is wrong: what the sink made of it must then be thrown away.
 */
export async function readBody(
  request: S3Request,
  sink: (bytes: Uint8Array) => Promise<void>,
  algorithm?: Algorithm,
): Promise<BodyFacts> {
  const promise = readPromise(request);
  const computed = promise.algorithm ?? algorithm;
  const checksum = computed && hasher(computed);
  const md5 = createHash('md5');
  const sha256 = promise.sha256 === undefined ? undefined : createHash('sha256');
  let trailers: ReadonlyMap<string, string> = new Map();
  const payload = promise.chunked
    ? decodeChunked(request.body(), { ...promise.chunked, onTrailers: (found) => (trailers = found) })
    : request.body();
  let size = 0;
  for await (const bytes of payload) {
    size += bytes.length;
    if (size > promise.length) break;
    md5.update(bytes);
    sha256?.update(bytes);
    checksum?.update(bytes);
    await sink(bytes);
  }
  if (size !== promise.length) throw new S3Error('IncompleteBody');
  if (sha256 && sha256.digest('hex') !== promise.sha256) throw new S3Error('XAmzContentSHA256Mismatch');
  const md5Hex = md5.digest('hex');
  if (promise.md5 !== undefined && promise.md5 !== md5Hex)
    throw new S3Error('BadDigest', { message: 'the Content-MD5 you specified did not match what we received' });
  if (!computed || !checksum) return { size, md5: md5Hex, checksum: undefined };
  const value = checksum.digest().toString('base64');
  const name = checksumHeader(computed);
  const claimed = promise.value ?? (promise.algorithm ? (trailers.get(name) ?? '') : undefined);
  if (claimed !== undefined && claimed !== value) {
    if (!isChecksumValue(computed, claimed)) throw badChecksum(name);
    throw new S3Error('BadDigest', { message: `the ${computed} you specified did not match the calculated checksum` });
  }
  return { size, md5: md5Hex, checksum: { algorithm: computed, type: 'FULL_OBJECT', value } };
}

/** Streams the body into a new file. The file is gone when this throws. */
export async function receiveFile(request: S3Request, path: string, algorithm?: Algorithm): Promise<BodyFacts> {
  const file = await open(path, 'wx');
  try {
    const facts = await readBody(request, (bytes) => file.writeFile(bytes), algorithm);
    await file.close();
    return facts;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}

/** A body that is a document, up to `limit` bytes of it. Throws MalformedXML when it is not UTF-8 or longer. */
export async function readText(request: S3Request, limit: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  await readBody(request, async (bytes) => {
    size += bytes.length;
    if (size > limit) throw new S3Error('MalformedXML', { message: `the document is over ${limit} bytes` });
    parts.push(bytes);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new S3Error('MalformedXML');
  }
}

// S3's limit for one PUT or part: 5 GiB.
const maxBytes = 5 * 2 ** 30;

/** What the headers promise about the body. */
interface BodyPromise {
  readonly length: number;
  readonly chunked: { readonly hasTrailer: boolean; readonly signature?: S3Request['signature'] } | undefined;
  readonly sha256: string | undefined;
  /** Hex. */
  readonly md5: string | undefined;
  readonly algorithm: Algorithm | undefined;
  /** Base64; undefined when a trailer will say it. */
  readonly value: string | undefined;
}

function readPromise({ headers, signature }: S3Request): BodyPromise {
  const hash = headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD';
  const streaming = /^STREAMING-(UNSIGNED-PAYLOAD|AWS4-HMAC-SHA256-PAYLOAD)(-TRAILER)?$/.exec(hash);
  if (hash.startsWith('STREAMING-') && (!streaming || hash === 'STREAMING-UNSIGNED-PAYLOAD')) {
    throw new S3Error('NotImplemented', { message: `x-amz-content-sha256: ${hash.slice(0, 60)}` });
  }
  const isHex = /^[0-9a-f]{64}$/.test(hash);
  if (!streaming && !isHex && hash !== 'UNSIGNED-PAYLOAD') {
    throw new S3Error('InvalidArgument', {
      message: 'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING-* value or a SHA-256 in lower-case hex',
    });
  }
  const signed = streaming?.[1] === 'AWS4-HMAC-SHA256-PAYLOAD';
  return {
    length: readLength(headers, streaming !== null),
    chunked: streaming ? { hasTrailer: streaming[2] !== undefined, ...(signed ? { signature } : {}) } : undefined,
    sha256: isHex ? hash : undefined,
    md5: readMd5(headers['content-md5']),
    ...readChecksum(headers, streaming?.[2] !== undefined),
  };
}

function readLength(headers: S3Request['headers'], chunked: boolean): number {
  const text = chunked ? headers['x-amz-decoded-content-length'] : headers['content-length'];
  // fetch sends no length for a body of none; a chunked transfer must say it otherwise.
  if (text === undefined && !chunked && headers['transfer-encoding'] === undefined) return 0;
  if (text === undefined) throw new S3Error('MissingContentLength');
  if (!/^\d{1,15}$/.test(text)) throw new S3Error('InvalidArgument', { message: 'the length must be a whole number' });
  if (Number(text) > maxBytes) throw new S3Error('EntityTooLarge', { fields: { MaxSizeAllowed: String(maxBytes) } });
  return Number(text);
}

function readMd5(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, 'base64');
  if (bytes.length !== 16 || bytes.toString('base64') !== header) throw new S3Error('InvalidDigest');
  return bytes.toString('hex');
}

function readChecksum(headers: S3Request['headers'], hasTrailer: boolean): Pick<BodyPromise, 'algorithm' | 'value'> {
  const given = algorithms.filter((algorithm) => headers[checksumHeader(algorithm)] !== undefined);
  const trailer = headers['x-amz-trailer']?.trim().toLowerCase();
  const trailing = trailer === undefined ? undefined : algorithms.find((one) => checksumHeader(one) === trailer);
  if (trailer !== undefined && (!trailing || !hasTrailer)) {
    throw new S3Error('InvalidRequest', {
      message: 'x-amz-trailer must name one checksum, sent in a STREAMING-*-TRAILER',
    });
  }
  if (given.length + (trailing ? 1 : 0) > 1) {
    throw new S3Error('InvalidRequest', { message: 'expecting a single x-amz-checksum- header' });
  }
  const algorithm = given[0] ?? trailing;
  const announced = headers['x-amz-sdk-checksum-algorithm'];
  if (announced !== undefined && toAlgorithm(announced) !== algorithm) {
    throw new S3Error('InvalidRequest', {
      message: 'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer header',
    });
  }
  const value = given[0] && headers[checksumHeader(given[0])];
  if (given[0] && !isChecksumValue(given[0], value ?? '')) throw badChecksum(checksumHeader(given[0]));
  return { algorithm, value };
}

function badChecksum(name: string): S3Error {
  return new S3Error('InvalidRequest', { message: `value for ${name} is missing or invalid` });
}
