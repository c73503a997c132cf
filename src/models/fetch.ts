// A locked version onto this disk: what is there is kept, what is not comes from the store and is verified on its way.
import { join } from 'node:path';
import { consoleLog } from '../core/log.ts';
import { blobKey } from './blob-key.ts';
import { blobRange } from './blob-range.ts';
import { cachePath, makeRoom, markSound, soundness, touch } from './cache.ts';
import { wholeFile } from './chunks.ts';
import { fetchChunks } from './fetch-chunks.ts';
import type { Sending } from './sending.ts';
import { SharedFlight } from './shared-flight.ts';
import type { ReadableStore } from './stores/store.ts';
import { fillFile, type Verifying } from './verified-file.ts';
import type { FetchedVersion, LockedVersion, VersionFile } from './version.ts';

export { cachePath } from './cache.ts';

export interface FetchOptions {
  readonly cacheDir: string;
  /** Bytes that the cache may hold; undefined: as much as its disk allows. */
  readonly cacheBytes?: number | undefined;
  /** A folder laid out as a store: what is there is used where it lies. */
  readonly modelsDir?: string | undefined;
  readonly signal?: AbortSignal;
  /** Does each piece of verifying; for who wants to know how long it takes. */
  readonly verifying?: Verifying;
}

/**
 * All files at once. Whoever asks for the same digest in this process at the same time waits for the same bytes.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, DIGEST_MISMATCH, STORE_UNAVAILABLE, STORE_FORBIDDEN, DISK_FULL
 */
export async function fetchVersion(
  store: ReadableStore,
  locked: LockedVersion,
  options: FetchOptions,
): Promise<FetchedVersion> {
  const { cacheDir, signal } = options;
  const there = await Promise.all(
    Object.entries(locked.files).map(async ([name, file]) => [name, await findFile(locked, file, options)] as const),
  );
  const absent = there.filter(([, path]) => path === undefined).map(([name]) => locked.files[name]!.size);
  if (absent.length > 0) await makeRoom(cacheDir, sum(absent), options.cacheBytes);
  // One failure ends the others, and all have ended when the caller hears of it.
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const files = there.map(async ([name, found]) => {
    if (found !== undefined) return [name, found] as const;
    try {
      return [name, await bring(store, locked, name, { ...options, signal: either })] as const;
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(files);
  return { locked, paths: Object.fromEntries(await Promise.all(files)) };
}

/** One file of the version: its path. @throws as fetchVersion */
export async function fetchFile(
  store: ReadableStore,
  locked: LockedVersion,
  name: string,
  options: FetchOptions & { readonly sending?: Sending },
): Promise<string> {
  const sent = options.sending?.begin();
  try {
    const file = locked.files[name]!;
    const found = await findFile(locked, file, options);
    if (found !== undefined) return found;
    await makeRoom(options.cacheDir, file.size, options.cacheBytes);
    return await bring(store, locked, name, options, sent);
  } finally {
    sent?.();
  }
}

/** Where a file of the version lies already, with the right bytes. */
export async function findFile(
  locked: LockedVersion,
  file: VersionFile,
  options: FetchOptions,
): Promise<string | undefined> {
  if (options.modelsDir !== undefined) {
    const path = join(options.modelsDir, blobKey(locked.model, file.digest));
    const found = await soundness(path, file, options.verifying);
    if (found === 'sound') return path;
    if (found === 'wrong') consoleLog.warn(`${path} is not what its name says; the store is asked instead`);
  }
  const path = cachePath(options.cacheDir, file.digest);
  if ((await soundness(path, file, options.verifying)) !== 'sound') return undefined;
  await touch(path);
  return path;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** State of the environment: the downloads under way, by path; it empties itself. */
const flights = new SharedFlight<void>();

async function bring(
  store: ReadableStore,
  { model, version, files }: LockedVersion,
  name: string,
  { cacheDir, signal: caller, verifying }: FetchOptions,
  onSent: () => void = () => {},
): Promise<string> {
  const { digest, size } = files[name]!;
  const path = cachePath(cacheDir, digest);
  const what = `${model}:${version} ${name}`;
  let started = false;
  const flight = flights.run(path, caller, async (signal) => {
    started = true;
    const open = blobRange(store, { model, digest, size, what }, { begin: () => onSent });
    const file = { size, chunks: wholeFile(digest, size), what };
    await fillFile(path, (fd) => fetchChunks(fd, file, open, { signal, ...(verifying ? { verifying } : {}) }));
    markSound(path);
  });
  // Somebody else has asked already.
  if (!started) onSent();
  await flight;
  return path;
}
