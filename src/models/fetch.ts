// A locked version onto this disk: what is there is kept, what is not comes from the store and is verified on its way.
import { join, resolve } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './manifest.ts';
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
  const files = Object.entries(locked.files).map(async ([name, { digest, size }]) => {
    const path = cachePath(cacheDir, digest);
    try {
      if (!(await isThere(path, size))) await fetchFile(store, locked, name, path, either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
    return [name, path] as const;
  });
  await Promise.allSettled(files);
  return { locked, paths: Object.fromEntries(await Promise.all(files)) };
}

export function cachePath(cacheDir: string, digest: Digest): string {
  return join(resolve(cacheDir), 'sha256', digest.slice('sha256:'.length));
}

/** State of the environment: the downloads under way, by path; it empties itself. */
const flights = new SharedFlight<void>();

async function fetchFile(
  store: ReadableStore,
  locked: LockedVersion,
  name: string,
  path: string,
  caller: AbortSignal,
): Promise<void> {
  const { digest, size } = locked.files[name]!;
  const what = `${locked.model}:${locked.version} ${name}`;
  await flights.run(path, caller, async (signal) => {
    await writeVerified(path, { digest, size, what }, async (offset) => {
      const key = blobKey(locked.model, digest);
      const found = await store.get(key, { signal, ...(offset > 0 ? { range: [offset, size - 1] } : {}) });
      if (found) return found;
      throw new GlowplugError('MODEL_NOT_FOUND', `expected ${what} (${digest}) in ${store.name}, there is none`);
    });
  });
}
