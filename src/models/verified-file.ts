// Bytes onto this disk under the name of their digest: hashed while they arrive, and a file only when they are right.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, promises, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { sweepTemporary, temporaryPath } from './owner.ts';
import type { Body } from './stores/store.ts';
import type { Digest } from './version.ts';

/** The stream from byte `offset` on, and the size of the whole as its sender tells it. */
export type Source = (offset: number) => Promise<{ readonly size: number; readonly body: Body }>;

export interface Expected {
  readonly digest: Digest;
  /** Bytes; undefined where only the digest is known. */
  readonly size: number | undefined;
  /** What it is, for messages. */
  readonly what: string;
}

/** Does the work, and may take the time. */
export type Verifying = <T>(work: () => T) => T;

export const untimed: Verifying = (work) => work();

/**
 * Resolves when `path` holds the expected bytes; on any failure it is not there. A stream that ends early or breaks is
 * asked for its rest, so the hash goes on where it was.
 *
 * @throws GlowplugError DIGEST_MISMATCH, STORE_UNAVAILABLE, DISK_FULL; what `source` throws
 */
export async function writeVerified(path: string, expected: Expected, source: Source): Promise<void> {
  await fillFile(path, (fd) => receive(fd, dirname(path), expected, source));
}

/**
 * `path` gets what `fill` writes when it is done, and nothing when that fails. Its folder and names are seen to here and now: a
 * trip to the thread pool takes longer, and while weights arrive, each turn of the event loop is one full of them.
 *
 * @throws GlowplugError DISK_FULL, CONFIG_INVALID; what `fill` throws
 */
export async function fillFile(path: string, fill: (fd: number) => Promise<void>): Promise<void> {
  const folder = dirname(path);
  onDisk(folder, () => mkdirSync(folder, { recursive: true }));
  await sweepTemporary(folder);
  const temporary = temporaryPath(folder);
  const fd = onDisk(folder, () => openSync(temporary, 'wx'));
  try {
    await fill(fd).finally(() => closeSync(fd));
    renameSync(temporary, path);
  } catch (error) {
    await promises.rm(temporary, { force: true });
    throw diskError(error, folder);
  }
}

/** True when the file is there with this size: only what was verified ever gets the name. */
export async function isThere(path: string, size: number | undefined): Promise<boolean> {
  const found = await promises.stat(path).catch(() => undefined);
  return found?.isFile() === true && (size === undefined || found.size === size);
}

/** The first stream, and two that go on where it broke. */
const streams = 3;

async function receive(fd: number, folder: string, expected: Expected, source: Source): Promise<void> {
  const { digest, what } = expected;
  const hash = createHash('sha256');
  let received = 0;
  for (let stream = 1; ; stream++) {
    let size = expected.size;
    let broken: unknown;
    try {
      const opened = await source(received);
      size ??= opened.size;
      if (opened.size !== size) {
        await opened.body.cancel();
        throw mismatch(what, `of ${size} bytes, the store has ${opened.size}`);
      }
      for await (const chunk of opened.body) {
        received += chunk.length;
        if (received > size) throw mismatch(what, `of ${size} bytes, more came`);
        hash.update(chunk);
        onDisk(folder, () => writeFileSync(fd, chunk));
      }
    } catch (error) {
      if (!(error instanceof GlowplugError) || error.code !== 'STORE_UNAVAILABLE' || received === 0) throw error;
      broken = error;
    }
    if (received === size) break;
    if (stream === streams) {
      throw new GlowplugError('STORE_UNAVAILABLE', `expected ${size} bytes of ${what}, ${received} came`, {
        cause: broken,
      });
    }
  }
  const got = `sha256:${hash.digest('hex')}`;
  if (got !== digest) throw mismatch(what, `with ${digest}, got ${got}`);
}

function mismatch(what: string, detail: string): GlowplugError {
  return new GlowplugError('DIGEST_MISMATCH', `expected ${what} ${detail}`);
}

/** Does it, and tells what a failed write means. @throws GlowplugError DISK_FULL, CONFIG_INVALID; what `work` throws */
export function onDisk<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw diskError(error, folder);
  }
}

/** What a failed write means to who runs the function; other errors as they are. */
export function diskError(error: unknown, folder: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new GlowplugError('DISK_FULL', `the disk of ${folder} is full`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR' || code === 'EEXIST') {
    return new GlowplugError('CONFIG_INVALID', `expected to be able to write into ${folder}, got ${code}`, {
      cause: error,
      remedy: 'Let GLOWPLUG_CACHE name a folder that this process may write to; on Lambda only /tmp is.',
    });
  }
  return error;
}
