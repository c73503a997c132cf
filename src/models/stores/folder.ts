// A store in a folder: what a laptop, a test and a container with a mounted volume use.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { type Clock, systemClock } from '../../core/clock.ts';
import { GlowplugError, shorten } from '../../core/errors.ts';
import { sweepTemporary, temporaryPath } from '../owner.ts';
import type { LocalFile } from '../version.ts';
import { lockFile } from './folder-lock.ts';
import { hasCode } from './has-code.ts';
import { changed } from './send-parts.ts';
import type { Store } from './store.ts';

/**
 * A key is a path under the folder. Creating once is a hard link, which fails when the name is taken; comparing and
 * swapping takes a lock file, and readers see the old bytes or the new ones. Names that begin with a dot are the store's own.
 */
export function folderStore(folder: string, clock: Clock = systemClock): Store {
  const root = resolve(folder);
  return {
    name: root,

    async get(key, { range, ifNoneMatch, signal } = {}) {
      signal?.throwIfAborted();
      const handle = await openFile(pathOf(root, key));
      if (!handle) return undefined;
      try {
        const { etag, size } = await describe(handle);
        if (etag === ifNoneMatch) {
          await handle.close();
          return { etag, size, body: new Blob([]).stream() };
        }
        if (range && range[0] >= size) {
          throw new GlowplugError('STORE_UNAVAILABLE', `expected bytes from ${range[0]} of ${key}, it has ${size}`);
        }
        // The handle closes when the stream ends or is cancelled.
        const node = handle.createReadStream({
          start: range?.[0] ?? 0,
          highWaterMark: chunkBytes,
          ...(range ? { end: range[1] } : {}),
        });
        if (signal) addAbortSignal(signal, node);
        return { etag, size, body: ReadableStream.from(node) };
      } catch (error) {
        await handle.close();
        throw storeError(error, root, key);
      }
    },

    async head(key, { signal } = {}) {
      signal?.throwIfAborted();
      const handle = await openFile(pathOf(root, key));
      if (!handle) return undefined;
      try {
        return await describe(handle);
      } finally {
        await handle.close();
      }
    },

    async put(key, body, condition, { signal } = {}) {
      signal?.throwIfAborted();
      const path = pathOf(root, key);
      try {
        return await besides(path, async (temporary) => {
          const etag = await writeNew(temporary, body);
          if ('ifNoneMatch' in condition) await createOnce(temporary, path, key);
          else await compareAndSwap(temporary, path, key, condition.ifMatch, clock, signal);
          return { etag };
        });
      } catch (error) {
        throw storeError(error, root, key);
      }
    },

    async upload(key, file, { signal, onBytes } = {}) {
      signal?.throwIfAborted();
      const path = pathOf(root, key);
      try {
        await besides(path, async (temporary) => {
          await copyVerified(file, temporary, signal, onBytes);
          await createOnce(temporary, path, key);
        });
      } catch (error) {
        signal?.throwIfAborted();
        throw storeError(error, root, key);
      }
    },

    async delete(key, { signal } = {}) {
      signal?.throwIfAborted();
      try {
        await unlink(pathOf(root, key));
      } catch (error) {
        if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw storeError(error, root, key);
      }
    },

    async *list(prefix) {
      const names = await readdir(root, { recursive: true, withFileTypes: true }).catch(absentIsEmpty);
      const keys = names
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
      yield* keys.filter((key) => key.startsWith(prefix)).sort();
    },

    /** What a killed process left is swept by the next write beside it, at once: nothing is ever gone on with here. */
    async *unfinished() {},
  };
}

/** Etags hash what is small; what is large is created once, and its file's own marks do. */
const hashedBytes = 1024 * 1024;
/** 64 KiB, Node's default, costs 160 trips to the thread pool for a model of 10 MB. */
const chunkBytes = 512 * 1024;

/** What is to get the name `path` is written under another one beside it, which does not outlive `write`. */
async function besides<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const folder = dirname(path);
  const temporary = temporaryPath(folder);
  try {
    await mkdir(folder, { recursive: true });
    await sweepTemporary(folder);
    return await write(temporary);
  } finally {
    await unlink(temporary).catch(ignoreAbsent);
  }
}

/** Its etag outlives the new name: it is of the content, or of the file behind it. */
async function writeNew(path: string, body: Uint8Array): Promise<string> {
  const handle = await open(path, 'wx+');
  try {
    await handle.writeFile(body);
    await handle.sync();
    return (await describe(handle)).etag;
  } finally {
    await handle.close();
  }
}

/** Hashed on its way: a file may have changed since it was hashed. */
async function copyVerified(
  file: LocalFile,
  path: string,
  signal: AbortSignal | undefined,
  onBytes: ((bytes: number) => void) | undefined,
): Promise<void> {
  const hash = createHash('sha256');
  const handle = await open(path, 'wx');
  try {
    for await (const chunk of createReadStream(file.path, {
      highWaterMark: chunkBytes,
      ...(signal ? { signal } : {}),
    })) {
      hash.update(chunk);
      await handle.writeFile(chunk);
      onBytes?.(chunk.length);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (`sha256:${hash.digest('hex')}` !== file.digest) throw changed(file);
}

async function createOnce(temporary: string, path: string, key: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new GlowplugError('STORE_CONFLICT', `expected no ${key}, there is one already`);
  }
}

async function compareAndSwap(
  temporary: string,
  path: string,
  key: string,
  etag: string,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using lock = await lockFile(join(dirname(path), `.${basename(path)}.lock`), clock, signal);
  const now = await describeFile(path);
  if (now?.etag !== etag) {
    throw new GlowplugError(
      'STORE_CONFLICT',
      `expected ${key} with etag ${etag}, it ${now ? `has ${now.etag}` : 'is gone'}`,
    );
  }
  if (!(await lock.held())) {
    throw new GlowplugError('STORE_CONFLICT', `expected to hold the lock of ${key} until it was written, it was taken`);
  }
  await rename(temporary, path);
}

async function describeFile(path: string): Promise<{ etag: string; size: number; modified: number } | undefined> {
  const handle = await openFile(path);
  if (!handle) return undefined;
  try {
    return await describe(handle);
  } finally {
    await handle.close();
  }
}

async function describe(handle: FileHandle): Promise<{ etag: string; size: number; modified: number }> {
  const stat = await handle.stat({ bigint: true });
  const [size, modified] = [Number(stat.size), Number(stat.mtimeMs)];
  if (size > hashedBytes) return { etag: `"${stat.ino}-${stat.mtimeNs}-${size}"`, size, modified };
  const bytes = new Uint8Array(size);
  await handle.read(bytes, 0, size, 0);
  return { etag: `"${createHash('sha256').update(bytes).digest('hex')}"`, size, modified };
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    const handle = await open(path);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    return undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** A key comes from a reference or a manifest: it must not leave the folder. */
function pathOf(root: string, key: string): string {
  if (key.split('/').every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(part))) return join(root, key);
  throw new GlowplugError('REFERENCE_INVALID', `expected a key such as iris/index.json, got ${shorten(key)}`);
}

function storeError(error: unknown, root: string, key: string): unknown {
  if (!(error instanceof Error) || error instanceof GlowplugError || !('code' in error)) return error;
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) {
    return new GlowplugError('DISK_FULL', `the disk of the store ${root} is full; ${key} was not written`, {
      cause: error,
    });
  }
  const code = hasCode(error, 'EACCES', 'EPERM', 'EROFS') ? 'STORE_FORBIDDEN' : 'STORE_UNAVAILABLE';
  return new GlowplugError(code, `the store ${root} failed at ${key}: ${String(error.code)}`, {
    cause: error,
    remedy:
      'Look at the folder that GLOWPLUG_STORE names: it must exist or be creatable, and be readable and writable.',
  });
}

function ignoreAbsent(error: unknown): void {
  if (!hasCode(error, 'ENOENT')) throw error;
}

function absentIsEmpty(error: unknown): [] {
  if (hasCode(error, 'ENOENT')) return [];
  throw error;
}
