// Which bytes of an object a request is for: Range (one range) as RFC 9110 and S3 read it.
import { S3Error } from './errors.ts';

export interface ByteRange {
  /** Both inclusive. */
  readonly first: number;
  readonly last: number;
}

/** undefined: the whole object, also for what S3 ignores (several ranges, other units, nonsense). Throws InvalidRange. */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.replace(/\s+/g, '') ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [from, to] = [match[1]!, match[2]!];
  if (from === '') {
    const length = Math.min(Number(to), size);
    if (length === 0) throw unsatisfiable(header!, size);
    return { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  if (to !== '' && Number(to) < first) return undefined;
  if (first >= size) throw unsatisfiable(header!, size);
  return { first, last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

function unsatisfiable(header: string, size: number): S3Error {
  return new S3Error('InvalidRange', {
    fields: { RangeRequested: header.slice(0, 100), ActualObjectSize: String(size) },
    headers: { 'content-range': `bytes */${size}` },
  });
}
