// An HTTP request as S3 reads it: bucket, key and parameters, every header once, nothing that could be read two ways.
import type { IncomingMessage } from 'node:http';
import type { VerifiedSignature } from '../sigv4.ts';
import { decodeForm, queryPairs } from '../sigv4-canonical.ts';
import { S3Error } from './errors.ts';

export interface S3Target {
  readonly method: string;
  /** As on the wire, still encoded. */
  readonly path: string;
  readonly rawQuery: string;
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
}

export interface S3Request extends S3Target {
  readonly signature: VerifiedSignature;
  readonly now: Date;
  /** The body as on the wire. A client that waits for `100 Continue` is told to go on. */
  body(): AsyncIterable<Uint8Array>;
}

/** Throws InvalidURI, InvalidRequest, InvalidArgument, KeyTooLongError. */
export function readTarget(message: IncomingMessage): S3Target {
  const url = message.url ?? '';
  if (!url.startsWith('/')) throw new S3Error('InvalidURI', { message: 'the request target must begin with a slash' });
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const rawQuery = at < 0 ? '' : url.slice(at + 1);
  const slash = path.indexOf('/', 1);
  const key = slash < 0 ? '' : decode(path.slice(slash + 1));
  if (Buffer.byteLength(key) > 1024) throw new S3Error('KeyTooLongError');
  return {
    method: message.method ?? '',
    path,
    rawQuery,
    bucket: decode(slash < 0 ? path.slice(1) : path.slice(1, slash)),
    key,
    query: readQuery(rawQuery),
    headers: readHeaders(message.rawHeaders),
  };
}

function decode(text: string): string {
  try {
    return decodeForm(text);
  } catch {
    throw new S3Error('InvalidURI', { message: 'the path is not percent-encoded UTF-8' });
  }
}

function readQuery(raw: string): Map<string, string> {
  const pairs = queryPairs(raw);
  if (!pairs) throw new S3Error('InvalidURI', { message: 'the query is not percent-encoded UTF-8' });
  const query = new Map(pairs);
  if (query.size !== pairs.length) {
    throw new S3Error('InvalidArgument', { message: 'a query parameter was given twice' });
  }
  return query;
}

/** S3 joins what may repeat (x-amz-meta-*); of all else a second copy is somebody's attempt to be read two ways. */
function readHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const before = headers[name];
    if (before !== undefined && !mayRepeat(name)) {
      throw new S3Error('InvalidRequest', { message: `the header ${name.slice(0, 60)} was sent twice` });
    }
    headers[name] = before === undefined ? raw[i + 1]! : `${before},${raw[i + 1]!}`;
  }
  return headers;
}

function mayRepeat(name: string): boolean {
  return (
    name.startsWith('x-amz-meta-') || ['accept', 'accept-encoding', 'connection', 'cache-control', 'via'].includes(name)
  );
}

/** A presigned URL carries the headers of its operation in its query: `x-amz-checksum-mode=ENABLED`. */
export function withHoistedHeaders({ query, headers }: S3Target): Record<string, string> {
  const hoisted = [...query].filter(([name]) => name.startsWith('x-amz-'));
  return Object.assign(Object.create(null), Object.fromEntries(hoisted), headers);
}
