// A small object whole: an index, a manifest. Read again when it broke off on its way.
import { GlowplugError } from '../core/errors.ts';
import { readAll } from './read-all.ts';
import type { ReadableStore } from './stores/store.ts';

/** undefined when there is no such key. @throws GlowplugError INPUT_TOO_LARGE, STORE_UNAVAILABLE, STORE_FORBIDDEN */
export async function readObject(
  store: ReadableStore,
  key: string,
  limit: number,
  signal?: AbortSignal,
): Promise<{ readonly etag: string; readonly bytes: Uint8Array } | undefined> {
  for (let attempt = 1; ; attempt++) {
    const found = await store.get(key, signal ? { signal } : {});
    if (!found) return undefined;
    try {
      const bytes = await readAll(found.body, limit, key);
      if (bytes.length === found.size) return { etag: found.etag, bytes };
      throw new GlowplugError('STORE_UNAVAILABLE', `expected ${found.size} bytes of ${key}, ${bytes.length} came`);
    } catch (error) {
      const broke = error instanceof GlowplugError && error.code === 'STORE_UNAVAILABLE';
      if (!broke || attempt === attempts) throw error;
    }
  }
}

/** The store itself is patient before its answer; a body that breaks three times over is its network's matter. */
const attempts = 3;
