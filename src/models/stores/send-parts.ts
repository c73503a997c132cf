// A file in parts, several at once, each read into a buffer that the next one reuses: so memory is bounded, whatever the size.
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { GlowplugError } from '../../core/errors.ts';
import type { LocalFile } from '../version.ts';
import type { UploadOptions } from './store.ts';

export interface Part {
  /** From 1. */
  readonly number: number;
  readonly size: number;
  /** Base64, as S3 writes it. */
  readonly crc32: string;
}

/** What parts are read into, again and again: a new one for each upload would be twice as much before the collector sees it. */
export type PartBuffers = Buffer[];

/** Sends every part once `send` was given it, and stops at the first failure; nothing is under way any more when it throws. */
export async function sendParts<T>(
  file: LocalFile,
  buffers: PartBuffers,
  send: (part: Part, body: Uint8Array, signal: AbortSignal) => Promise<T>,
  { signal, onBytes }: UploadOptions,
): Promise<T[]> {
  const bytes = partBytes(file.size);
  const count = Math.ceil(file.size / bytes);
  const sent: T[] = [];
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  await using handle = await open(file.path);
  let next = 0;

  const worker = async () => {
    const spare = buffers.pop();
    const buffer = spare && spare.length >= bytes ? spare : Buffer.allocUnsafeSlow(bytes);
    for (let index = next++; index < count; index = next++) {
      either.throwIfAborted();
      const size = Math.min(bytes, file.size - index * bytes);
      const body = buffer.subarray(0, size);
      const { bytesRead } = await handle.read(body, 0, size, index * bytes);
      if (bytesRead !== size) throw changed(file);
      sent[index] = await send({ number: index + 1, size, crc32: base64(crc32(body)) }, body, either);
      onBytes?.(size);
    }
    buffers.push(buffer);
  };
  const workers = Array.from({ length: Math.min(partsAtOnce, count) }, () =>
    worker().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(workers);
  signal?.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return sent;
}

/** S3 takes 10,000 parts of 5 MiB and more; AWS advises 8 to 16 MB, and twelve of 8 MiB are what a publish holds. */
export function partBytes(size: number): number {
  return Math.max(8 * mebibyte, Math.ceil(size / 10_000 / mebibyte) * mebibyte);
}

export function changed({ path }: LocalFile, cause?: unknown): GlowplugError {
  return new GlowplugError('DIGEST_MISMATCH', `expected ${path} as it was when it was hashed, it changed since`, {
    cause,
    remedy: 'Publish again when nothing writes into the file any more.',
  });
}

/** S3 writes a CRC-32 as the base64 of its four bytes. */
export function base64(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

const mebibyte = 1024 * 1024;
/**
 * One connection gives about 85 MB/s inside a region. Twelve of 8 MiB are what 128 MB of memory hold; eight reached 5.6 times one
 * connection, twelve 7.7 (bench/publish.ts, the transfer alone).
 */
const partsAtOnce = 12;
