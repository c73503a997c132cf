// A model whose session may be made while its weights arrive: its graph first, and beside it the weights in a file that
// has its full length from the beginning and fills.
import { closeSync, ftruncateSync, linkSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { blobRange } from './blob-range.ts';
import { cachePath, makeRoom, markSound } from './cache.ts';
import { parseChunks } from './chunks.ts';
import { type FetchOptions, fetchFile, findFile } from './fetch.ts';
import { fetchChunks } from './fetch-chunks.ts';
import { type Hold, makeHold } from './hold.ts';
import type { Sending } from './sending.ts';
import type { ReadableStore } from './stores/store.ts';
import { diskError, onDisk } from './verified-file.ts';
import { type LockedVersion, type VersionFile, weightsFile } from './version.ts';

/** Its files stay until it is disposed, whoever else makes room. */
export interface ArrivingModel extends AsyncDisposable {
  /** Of the graph, whose bytes are right: named by its digest, and its weights beside it by theirs in the graph. */
  readonly path: string;
  /** Publishing split its weights off: onnxruntime may map them. */
  readonly mapped: boolean;
  /** The weights have their name already, at their full length; else only `verified` brings them. */
  readonly fills: boolean;
  /** Before it resolves nothing may run, and nothing but a map may look at the weights; then all files are right. */
  readonly verified: Promise<void>;
}

export interface FetchModelOptions extends FetchOptions {
  readonly sending: Sending;
  readonly clock?: Clock;
}

/**
 * Resolves when the graph is there. Each caller has a folder of its own, so that nobody else meets a file that fills; in
 * the cache it gets its name when it is whole. Files beside the model are brought along.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, DIGEST_MISMATCH, STORE_UNAVAILABLE, STORE_FORBIDDEN, DISK_FULL, CONFIG_INVALID
 */
export async function fetchModel(
  store: ReadableStore,
  locked: LockedVersion,
  options: FetchModelOptions,
): Promise<ArrivingModel> {
  // One failure ends the others, and all have ended when the caller hears of it.
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const { 'model.onnx': model, [weightsFile]: weights } = locked.files;
  const hold = makeHold(options.cacheDir);
  // From here on every way out says that nothing is left to send: others wait for it.
  const sent = options.sending.begin();
  const begun: Promise<unknown>[] = [hold.swept];
  const begin = <T>(work: Promise<T>): Promise<T> => {
    begun.push(work);
    work.catch((error: unknown) => failed.abort(error));
    return work;
  };
  try {
    const within = { ...options, ...(await placesOf(locked, options)), signal };
    const bring = (name: string) => fetchFile(store, locked, name, within);
    const graph = begin(hold.keep(basename(cachePath('', model!.digest)), () => bring('model.onnx')));
    // Labels and the like: predict asks for them soon.
    for (const name of Object.keys(locked.files)) {
      if (name !== 'model.onnx' && name !== weightsFile) void begin(bring(name));
    }
    // Made before the session is: it must find the file at its full length.
    const brought = weights ? await bringWeights(store, locked, weights, hold, within) : nothing;
    void begin(brought.verified);
    sent();
    const path = await graph;
    const verified = Promise.all(begun).then(() => {});
    // Heard of by who awaits it, or by nobody when its session cannot be made.
    verified.catch(() => {});
    return {
      path,
      mapped: weights?.chunks !== undefined,
      fills: brought.fills,
      verified,
      async [Symbol.asyncDispose]() {
        failed.abort(new Error('nobody waits for the model any more'));
        await Promise.allSettled(begun);
        await hold[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(begun);
    await hold[Symbol.asyncDispose]();
    throw error;
  } finally {
    sent();
  }
}

/**
 * Where to look for the files of a split model: onnxruntime wants weights in their graph's own folder, so a read-only
 * folder has both or counts for nothing.
 */
async function placesOf(locked: LockedVersion, options: FetchOptions): Promise<Pick<FetchOptions, 'modelsDir'>> {
  const { modelsDir, cacheDir } = options;
  const { 'model.onnx': graph, [weightsFile]: weights } = locked.files;
  if (modelsDir === undefined || !graph || !weights) return { modelsDir };
  const found = await Promise.all([graph, weights].map((file) => findFile(locked, file, options)));
  const apart = found.filter((path) => path !== undefined && !path.startsWith(resolve(cacheDir) + sep));
  return { modelsDir: apart.length === 2 ? modelsDir : undefined };
}

type Inner = FetchModelOptions & { readonly signal: AbortSignal };
const nothing = { fills: true, verified: Promise.resolve() };
/** State of the environment: the weights that fill, by their path in the cache; it empties itself. */
const filling = new Map<string, Promise<void>>();

/** Resolves when the file is there under its name, at its full length; what does not fill, at once. */
async function bringWeights(
  store: ReadableStore,
  locked: LockedVersion,
  file: VersionFile,
  hold: Hold,
  options: Inner,
): Promise<{ readonly fills: boolean; readonly verified: Promise<unknown> }> {
  const { digest, size, chunks } = file;
  const whole = () => hold.keep(weightsFile, () => fetchFile(store, locked, weightsFile, options));
  const parts = chunks === undefined ? undefined : parseChunks(chunks, size);
  if (!parts) return { fills: false, verified: whole() };
  if ((await findFile(locked, file, options)) !== undefined) {
    await whole();
    return nothing;
  }
  await makeRoom(options.cacheDir, size, options.cacheBytes);
  const path = cachePath(options.cacheDir, digest);
  const others = filling.get(path);
  // The same bytes once: they are there when the other has them, and brought in one stream should it fail.
  if (others) return { fills: false, verified: others.then(whole, whole) };
  const what = `${locked.model}:${locked.version} ${weightsFile}`;
  const open = blobRange(store, { model: locked.model, digest, size, what }, options.sending);
  const name = join(hold.folder, weightsFile);
  const fd = onDisk(hold.folder, () => makeSparse(name, size));
  const verified = fetchChunks(fd, { size, chunks: parts, what }, open, options)
    .finally(() => closeSync(fd))
    .then(() => giveName(name, path))
    .catch((error: unknown) => {
      throw diskError(error, hold.folder);
    })
    .finally(() => filling.delete(path));
  filling.set(path, verified);
  return { fills: true, verified };
}

/** Reads as zeros, takes no room, and is never shortened: a map of it stays good. */
function makeSparse(path: string, size: number): number {
  const fd = openSync(path, 'wx+');
  ftruncateSync(fd, size);
  return fd;
}

/** Its name in the cache, beside the one that it has. Who was first had the same bytes. */
function giveName(name: string, path: string): void {
  const second = `${name}.verified`;
  mkdirSync(dirname(path), { recursive: true });
  linkSync(name, second);
  renameSync(second, path);
  markSound(path);
}
