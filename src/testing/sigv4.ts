// Checks AWS Signature Version 4 as AWS does: headers or a presigned query, for S3 and for any other service. Pure.
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import { canonicalRequest, type QueryPair, queryPairs } from './sigv4-canonical.ts';

export interface SignedRequest {
  readonly method: string;
  /** Raw and still percent-encoded, as on the wire, without the query. */
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  /** Names in lower case; repeated headers joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hex SHA-256 of the body. S3 does without: it signs what x-amz-content-sha256 claims and checks the body itself. */
  readonly bodySha256?: string;
}

export interface SigV4Options {
  readonly service: string;
  /** Any region is taken when left out. */
  readonly region?: string;
  secretFor(accessKeyId: string): string | undefined;
  readonly now: Date;
}

export interface VerifiedSignature {
  readonly accessKeyId: string;
  /** What signed chunks are chained to. */
  readonly signature: string;
  readonly signingKey: KeyObject;
  readonly timestamp: string;
  readonly scope: string;
}

export type SigV4Code =
  | 'AccessDenied'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'InvalidAccessKeyId'
  | 'InvalidArgument'
  | 'InvalidRequest'
  | 'InvalidURI'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch';

/** A request that is not signed as it must be. `code` and `status` are S3's; other services map them. */
export class SigV4Error extends Error {
  override readonly name = 'SigV4Error';
  readonly code: SigV4Code;
  readonly status: number;

  constructor(code: SigV4Code, message: string) {
    super(message);
    this.code = code;
    this.status = forbidden.has(code) ? 403 : 400;
  }
}

/**
 * Throws SigV4Error unless the request was signed with the secret of the access key that it names, for this service
 * and region, within 15 minutes of `now` (headers) or within its own expiry (presigned query).
 *
 * @example
 * verifySigV4(request, { service: 'lambda', secretFor: (id) => secrets.get(id), now: new Date() }).accessKeyId
 */
export function verifySigV4(request: SignedRequest, options: SigV4Options): VerifiedSignature {
  const pairs = queryPairs(request.query);
  if (!pairs) throw new SigV4Error('InvalidURI', 'the query is not valid percent-encoding');
  const claim = readClaim(request.headers, pairs);
  checkScope(claim, options);
  checkTime(claim, options.now);
  checkSignedHeaders(claim, request.headers, options.service);

  const secret = options.secretFor(claim.accessKeyId);
  if (secret === undefined) {
    throw new SigV4Error('InvalidAccessKeyId', 'the AWS access key id you provided does not exist in our records');
  }
  const canonical = canonicalRequest({
    method: request.method,
    path: request.path,
    pairs: claim.presigned ? pairs.filter(([name]) => name !== 'X-Amz-Signature') : pairs,
    headers: request.headers,
    signedHeaders: claim.signedHeaders,
    payloadHash: payloadHash(request, claim, options.service),
    encodePathTwice: options.service !== 's3',
  });
  if (canonical === undefined) throw new SigV4Error('InvalidURI', 'the path is not valid percent-encoding');
  const key = signingKey(secret, claim.scope);
  const signature = sign(key, ['AWS4-HMAC-SHA256', claim.timestamp, claim.scope, sha256Hex(canonical)].join('\n'));
  if (!sameSignature(signature, claim.signature)) {
    throw new SigV4Error(
      'SignatureDoesNotMatch',
      'the request signature we calculated does not match the signature you provided: check the key and the signing method',
    );
  }
  const { accessKeyId, timestamp, scope } = claim;
  return { accessKeyId, signature, signingKey: key, timestamp, scope };
}

/**
 * The key of one day, region and service. `scope` is `20130524/us-east-1/s3/aws4_request`. KeyObjects, not Buffers: at each
 * use of a Buffer Node takes 10 µs to find out that it is no KeyObject, and a request that is signed and checked has ten.
 */
export function signingKey(secret: string, scope: string): KeyObject {
  return scope
    .split('/')
    .reduce(
      (key, part) => createSecretKey(createHmac('sha256', key).update(part).digest()),
      createSecretKey(`AWS4${secret}`, 'utf8'),
    );
}

export function sign(key: KeyObject, stringToSign: string): string {
  return createHmac('sha256', key).update(stringToSign).digest('hex');
}

/** Takes the same time wherever the two differ. */
export function sameSignature(expected: string, given: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data);
}

const forbidden: ReadonlySet<SigV4Code> = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
]);
const skewMs = 15 * 60_000;
const emptySha256 = sha256Hex('');

interface Claim {
  readonly accessKeyId: string;
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  /** Seconds that a presigned query is good for; undefined when the headers carry the signature. */
  readonly presigned: number | undefined;
}

function readClaim(headers: SignedRequest['headers'], pairs: readonly QueryPair[]): Claim {
  const inQuery = pairs.some(([name]) => name === 'X-Amz-Signature' || name === 'X-Amz-Algorithm');
  const header = headers['authorization'];
  if (inQuery && header !== undefined) {
    throw new SigV4Error('InvalidArgument', 'only one of the Authorization header and X-Amz-Signature is allowed');
  }
  if (inQuery) return readQueryClaim(pairs);
  if (header === undefined) throw new SigV4Error('AccessDenied', 'anonymous requests are refused: sign the request');
  return readHeaderClaim(header, headers['x-amz-date'] ?? compactDate(headers['date']));
}

function readHeaderClaim(header: string, timestamp: string | undefined): Claim {
  const malformed = (what: string) => new SigV4Error('AuthorizationHeaderMalformed', `Authorization: ${what}`);
  if (!header.startsWith('AWS4-HMAC-SHA256 ')) {
    throw new SigV4Error('InvalidRequest', 'the authorization mechanism is not supported: use AWS4-HMAC-SHA256');
  }
  const fields = new Map<string, string>();
  for (const part of header.slice('AWS4-HMAC-SHA256 '.length).split(',')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    if (at < 1 || fields.has(name)) throw malformed('expected Credential, SignedHeaders and Signature, each once');
    fields.set(name, part.slice(at + 1).trim());
  }
  const [credential, signed, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((name) => fields.get(name));
  if (!credential || !signed || !signature || fields.size !== 3) {
    throw malformed('expected Credential, SignedHeaders and Signature, each once');
  }
  if (timestamp === undefined) throw new SigV4Error('AccessDenied', 'a signed request needs x-amz-date or Date');
  return { ...readCredential(credential, malformed), ...lists(signed), signature, timestamp, presigned: undefined };
}

function readQueryClaim(pairs: readonly QueryPair[]): Claim {
  const malformed = (what: string) => new SigV4Error('AuthorizationQueryParametersError', what);
  const take = (name: string) => {
    const [first, ...more] = pairs.filter((pair) => pair[0] === name);
    if (!first?.[1] || more.length > 0) throw malformed(`expected ${name} once in the query`);
    return first[1];
  };
  if (take('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') throw malformed('X-Amz-Algorithm supports AWS4-HMAC-SHA256 only');
  const expires = take('X-Amz-Expires');
  // A week: the longest that AWS allows.
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > 604_800) {
    throw malformed('X-Amz-Expires must be a whole number of seconds from 1 to 604800');
  }
  return {
    ...readCredential(take('X-Amz-Credential'), malformed),
    ...lists(take('X-Amz-SignedHeaders')),
    signature: take('X-Amz-Signature'),
    timestamp: take('X-Amz-Date'),
    presigned: Number(expires),
  };
}

function readCredential(credential: string, malformed: (what: string) => SigV4Error) {
  const [accessKeyId, ...scope] = credential.split('/');
  if (!accessKeyId || scope.length !== 4 || scope[3] !== 'aws4_request') {
    throw malformed('the credential must read ACCESS_KEY_ID/YYYYMMDD/REGION/SERVICE/aws4_request');
  }
  return { accessKeyId, scope: scope.join('/') };
}

function lists(signed: string) {
  return { signedHeaders: signed.split(';') };
}

function checkScope(claim: Claim, { service, region }: SigV4Options): void {
  const [date, scopeRegion, scopeService] = claim.scope.split('/');
  const code = claim.presigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed';
  if (scopeService !== service) {
    throw new SigV4Error(code, `the credential is for service ${quote(scopeService)}; expected '${service}'`);
  }
  if (region !== undefined && scopeRegion !== region) {
    throw new SigV4Error(code, `the credential is for region ${quote(scopeRegion)}; expected '${region}'`);
  }
  if (date !== claim.timestamp.slice(0, 8)) {
    throw new SigV4Error(code, 'the date of the credential is not the date of the request');
  }
}

function checkTime(claim: Claim, now: Date): void {
  const at = parseTimestamp(claim.timestamp);
  if (at === undefined) throw new SigV4Error('AccessDenied', 'the date must read YYYYMMDDTHHMMSSZ');
  const age = now.getTime() - at;
  if (claim.presigned === undefined) {
    if (Math.abs(age) > skewMs) {
      throw new SigV4Error(
        'RequestTimeTooSkewed',
        `the difference between the request time and the server's time is too large: more than ${skewMs / 1000} s`,
      );
    }
    return;
  }
  if (age < -skewMs) throw new SigV4Error('AccessDenied', 'Request is not valid yet');
  if (age > claim.presigned * 1000) throw new SigV4Error('AccessDenied', 'Request has expired');
}

function checkSignedHeaders(claim: Claim, headers: SignedRequest['headers'], service: string): void {
  const signed = new Set(claim.signedHeaders);
  if (signed.size !== claim.signedHeaders.length || !signed.has('host')) {
    throw new SigV4Error('AccessDenied', 'SignedHeaders must name host, and each header once');
  }
  // S3 refuses what a middleman could have added; other services only check what was signed.
  const unsigned = Object.keys(headers).filter((name) => name.startsWith('x-amz-') && !signed.has(name));
  if (service === 's3' && unsigned.length > 0) {
    throw new SigV4Error(
      'AccessDenied',
      `there were headers present in the request which were not signed: ${unsigned.join(', ').slice(0, 200)}`,
    );
  }
}

function payloadHash(request: SignedRequest, claim: Claim, service: string): string {
  if (service !== 's3') return request.bodySha256 ?? emptySha256;
  const declared = request.headers['x-amz-content-sha256'];
  if (declared !== undefined) return declared;
  if (claim.presigned !== undefined) return 'UNSIGNED-PAYLOAD';
  throw new SigV4Error('InvalidRequest', 'missing required header for this request: x-amz-content-sha256');
}

function parseTimestamp(text: string): number | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `Fri, 24 May 2013 00:00:00 GMT` → `20130524T000000Z`. */
function compactDate(date: string | undefined): string | undefined {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function quote(text: string | undefined): string {
  return `'${(text ?? '').slice(0, 40)}'`;
}
