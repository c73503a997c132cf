// A model whose session may be made while its weights arrive: its graph first, and beside it the weights in a file that
// has its full length from the beginning and fills.
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { parseChunks } from './chunks.ts';
import { cachePath, fetchFile } from './fetch.ts';
import { fetchChunks, type OpenRange } from './fetch-chunks.ts';
import { blobKey } from './manifest.ts';
import { sweepTemporary, temporaryPath } from './owner.ts';
import type { Sending } from './sending.ts';
import type { ReadableStore } from './stores/store.ts';
import { diskError, isThere } from './verified-file.ts';
import { type LockedVersion, type VersionFile, weightsFile } from './version.ts';

/** Disposing it takes its names away, not the bytes from a session that has mapped them. */
export interface ArrivingModel extends AsyncDisposable {
  /** Of model.onnx, whose bytes are right. */
  readonly path: string;
  /** Publishing split its weights off: onnxruntime maps them. */
  readonly mapped: boolean;
  /** Before it resolves nothing may run, and nothing but a map may look at the weights; then every byte is right. */
  readonly verified: Promise<void>;
}

export interface FetchModelOptions {
  readonly cacheDir: string;
  readonly sending: Sending;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Resolves when the graph is there. Each caller has a folder of its own, so that nobody else meets a file that fills; in
 * the cache it gets its name when it is whole.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, DIGEST_MISMATCH, STORE_UNAVAILABLE, STORE_FORBIDDEN, DISK_FULL, CONFIG_INVALID
 */
export async function fetchModel(
  store: ReadableStore,
  locked: LockedVersion,
  options: FetchModelOptions,
): Promise<ArrivingModel> {
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const blobs = dirname(cachePath(options.cacheDir, locked.digest));
  const folder = temporaryPath(blobs);
  const sent = options.sending.begin();
  try {
    await onDisk(mkdir(folder, { recursive: true }), folder);
    const graph = fetchFile(store, locked, 'model.onnx', { ...options, signal });
    const weights = locked.files[weightsFile];
    // Made before the session is: it must find the file at its full length.
    const { verified } = weights ? await bringWeights(store, locked, weights, folder, { ...options, signal }) : nothing;
    // Heard of by who awaits it, or not at all when the graph fails first.
    verified.catch(() => {});
    sent();
    void sweepTemporary(blobs).catch(() => {});
    const path = join(folder, 'model.onnx');
    await link(await graph, path);
    return {
      path,
      mapped: weights?.chunks !== undefined,
      verified,
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    failed.abort(error);
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    sent();
  }
}

type Inner = FetchModelOptions & { readonly signal: AbortSignal };
const nothing = { verified: Promise.resolve() };

/** Resolves when the file is there under its name, at its full length. */
async function bringWeights(
  store: ReadableStore,
  locked: LockedVersion,
  { digest, size, chunks }: VersionFile,
  folder: string,
  options: Inner,
): Promise<{ readonly verified: Promise<void> }> {
  const path = cachePath(options.cacheDir, digest);
  const name = join(folder, weightsFile);
  if (await isThere(path, size)) {
    await link(path, name);
    return nothing;
  }
  const parts = chunks === undefined ? undefined : parseChunks(chunks, size);
  if (!parts) {
    const whole = fetchFile(store, locked, weightsFile, options);
    return { verified: whole.then((found) => link(found, name)) };
  }
  const what = `${locked.model}:${locked.version} ${weightsFile}`;
  const key = blobKey(locked.model, digest);
  const open: OpenRange = async (range, signal) => {
    const sent = options.sending.begin();
    try {
      const found = await store.get(key, { range, signal, onSent: sent });
      if (found?.size === size) return found.body;
      await found?.body.cancel();
      throw found
        ? new GlowplugError('DIGEST_MISMATCH', `expected ${what} of ${size} bytes, the store has ${found.size}`)
        : new GlowplugError('MODEL_NOT_FOUND', `expected ${what} (${digest}) in ${store.name}, there is none`);
    } finally {
      sent();
    }
  };
  const fd = makeSparse(name, size);
  const verified = fetchChunks(fd, { size, chunks: parts, what }, open, options)
    .finally(() => closeSync(fd))
    .then(() => giveName(name, path));
  return { verified: onDisk(verified, folder) };
}

/** Reads as zeros, takes no room, and is never shortened: a map of it stays good. */
function makeSparse(path: string, size: number): number {
  const fd = openSync(path, 'wx+');
  ftruncateSync(fd, size);
  return fd;
}

/** Its name in the cache, beside the one that it has. Who was first had the same bytes. */
async function giveName(name: string, path: string): Promise<void> {
  const second = `${name}.verified`;
  await link(name, second);
  await rename(second, path);
}

async function onDisk<T>(work: Promise<T>, folder: string): Promise<T> {
  return await work.catch((error: unknown) => {
    throw diskError(error, folder);
  });
}
