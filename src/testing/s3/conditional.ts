// The preconditions of reads and writes: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.
import { S3Error } from './errors.ts';

export interface Stamp {
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

type Headers = Readonly<Record<string, string>>;

/** RFC 9110's order, which S3 keeps. Throws PreconditionFailed; a copy source has no 304. */
export function checkRead(
  headers: Headers,
  stamp: Stamp,
  prefix: '' | 'x-amz-copy-source-' = '',
): 'read' | 'not-modified' {
  const ifMatch = headers[`${prefix}if-match`];
  const ifNoneMatch = headers[`${prefix}if-none-match`];
  const since = seconds(headers[`${prefix}if-modified-since`]);
  const until = seconds(headers[`${prefix}if-unmodified-since`]);
  // HTTP dates have no milliseconds.
  const modified = Math.floor(stamp.lastModified / 1000);
  if (ifMatch !== undefined ? !matches(ifMatch, stamp.etag) : until !== undefined && modified > until) {
    throw failed(ifMatch !== undefined ? 'If-Match' : 'If-Unmodified-Since');
  }
  const unchanged =
    ifNoneMatch !== undefined ? matches(ifNoneMatch, stamp.etag) : since !== undefined && modified <= since;
  if (!unchanged) return 'read';
  if (prefix !== '') throw failed(ifNoneMatch !== undefined ? 'If-None-Match' : 'If-Modified-Since');
  return 'not-modified';
}

/** Must run under the key's lock, together with the write it guards. `stamp`: undefined when the key holds nothing. */
export function checkWrite(headers: Headers, stamp: Stamp | undefined): void {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') {
    throw new S3Error('NotImplemented', {
      message: 'a write takes If-None-Match: * only',
      fields: { Header: 'If-None-Match' },
    });
  }
  if (ifNoneMatch !== undefined && stamp) throw failed('If-None-Match');
  if (ifMatch === undefined) return;
  if (!stamp) throw new S3Error('NoSuchKey');
  if (!matches(ifMatch, stamp.etag)) throw failed('If-Match');
}

export function matches(header: string, etag: string): boolean {
  return header.split(',').some((item) => {
    const tag = item
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1');
    return tag === '*' || tag === etag;
  });
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', { fields: { Condition: condition } });
}

/** undefined for no date or one that cannot be read, which RFC 9110 says to ignore. */
function seconds(date: string | undefined): number | undefined {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
