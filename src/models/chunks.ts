// Digests of the parts of a file, so that ranges that arrive in any order are verified while they land. As one text:
// `sha256/2097152:` and the digests in base64, one after the other.
import { createHash } from 'node:crypto';
import type { Range } from './stores/store.ts';
import type { Digest } from './version.ts';

export interface Chunks {
  /** Bytes of each part but the last. */
  readonly bytes: number;
  readonly count: number;
  /** SHA-256 of part `index`. */
  digest(index: number): Uint8Array;
}

/** 250 MB are 120 parts and 5 KB of text. A part is what is fetched again at most. */
const chunkBytes = 2 * 1024 * 1024;
const digestBytes = 32;

export function chunksOf(bytes: Uint8Array): string {
  const digests: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    digests.push(
      createHash('sha256')
        .update(bytes.subarray(at, at + chunkBytes))
        .digest(),
    );
  }
  return `sha256/${chunkBytes}:${Buffer.concat(digests).toString('base64')}`;
}

/** Whether the text is the digests of a file of `size` bytes. */
export function isChunks(text: unknown, size: number): text is string {
  return typeof text === 'string' && parseChunks(text, size) !== undefined;
}

/** A file that was published without: it is one part. */
export function wholeFile(digest: Digest, size: number): Chunks {
  return { bytes: Math.max(1, size), count: 1, digest: () => Buffer.from(digest.slice('sha256:'.length), 'hex') };
}

/** As many ranges as connections are worth, none longer than it must be: first and last byte of each, in order. */
export function rangesOf({ bytes, count }: Chunks, size: number): Range[] {
  const parts = Math.max(leastParts, Math.ceil(count / mostConnections));
  return Array.from({ length: Math.ceil(count / parts) }, (_, index) => [
    index * parts * bytes,
    Math.min(size, (index + 1) * parts * bytes) - 1,
  ]);
}

/** A connection brings 85 MB/s: enough for 600. */
export const mostConnections = 8;
/** A connection takes a millisecond of CPU, and two with TLS, in which 1 or 2 MB are landed. */
const leastParts = 2;

/** Undefined when the text is not the digests of a file of `size` bytes. */
export function parseChunks(text: string, size: number): Chunks | undefined {
  const [, length = '', base64 = ''] = /^sha256\/([1-9]\d{3,9}):([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Number(length);
  const digests = Buffer.from(base64, 'base64');
  const count = digests.length / digestBytes;
  if (bytes === 0 || count !== Math.ceil(size / bytes)) return undefined;
  return { bytes, count, digest: (index) => digests.subarray(index * digestBytes, (index + 1) * digestBytes) };
}
