// A locked version onto this disk: what is there is kept, what is not comes from the store and is verified on its way.
import { join, resolve } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './manifest.ts';
import type { Sending } from './sending.ts';
import { SharedFlight } from './shared-flight.ts';
import type { ReadableStore } from './stores/store.ts';
import { isThere, writeVerified } from './verified-file.ts';
import type { Digest, FetchedVersion, LockedVersion } from './version.ts';

export interface FetchOptions {
  readonly cacheDir: string;
  readonly signal?: AbortSignal;
}

/**
 * All files at once. Whoever asks for the same digest in this process at the same time waits for the same bytes.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, DIGEST_MISMATCH, STORE_UNAVAILABLE, STORE_FORBIDDEN, DISK_FULL
 */
export async function fetchVersion(
  store: ReadableStore,
  locked: LockedVersion,
  { cacheDir, signal }: FetchOptions,
): Promise<FetchedVersion> {
  // One failure ends the others, and all have ended when the caller hears of it.
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const files = Object.keys(locked.files).map(async (name) => {
    try {
      return [name, await fetchFile(store, locked, name, { cacheDir, signal: either })] as const;
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(files);
  return { locked, paths: Object.fromEntries(await Promise.all(files)) };
}

/** One file of the version: its path. @throws as fetchVersion, and LOCK_STALE for a name that it does not have. */
export async function fetchFile(
  store: ReadableStore,
  locked: LockedVersion,
  name: string,
  { cacheDir, signal, sending }: FetchOptions & { readonly sending?: Sending },
): Promise<string> {
  const file = locked.files[name];
  const what = `${locked.model}:${locked.version} ${name}`;
  if (!file)
    throw new GlowplugError('LOCK_STALE', `expected ${what}, the lock file names ${Object.keys(locked.files)}`);
  const { digest, size } = file;
  const path = cachePath(cacheDir, digest);
  const sent = sending?.begin() ?? (() => {});
  try {
    if (await isThere(path, size)) return path;
    await flights.run(path, signal, async (shared) => {
      await writeVerified(path, { digest, size, what }, async (offset) => {
        const range = offset > 0 ? { range: [offset, size - 1] as const } : {};
        const found = await store.get(blobKey(locked.model, digest), { signal: shared, onSent: sent, ...range });
        if (found) return found;
        throw new GlowplugError('MODEL_NOT_FOUND', `expected ${what} (${digest}) in ${store.name}, there is none`);
      });
    });
    return path;
  } finally {
    sent();
  }
}

export function cachePath(cacheDir: string, digest: Digest): string {
  return join(resolve(cacheDir), 'sha256', digest.slice('sha256:'.length));
}

/** State of the environment: the downloads under way, by path; it empties itself. */
const flights = new SharedFlight<void>();
