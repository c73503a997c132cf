// Blobs into a model's layout: created once, skipped when they are there, so many at a time that memory stays bounded.
import { eachOf } from '../core/each-of.ts';
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import type { Store } from './stores/store.ts';
import type { Content, Digest } from './version.ts';

/** Bytes. */
export interface Transfer {
  readonly total: number;
  /** Were in the store already. */
  readonly skipped: number;
  readonly sent: number;
}

export interface SendOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (transfer: Transfer) => void;
}

/** All are there when it resolves. When one fails, nothing is under way any more when the caller hears of it. */
export async function sendBlobs(
  store: Store,
  model: string,
  blobs: ReadonlyMap<Digest, Content>,
  { signal, onProgress }: SendOptions,
): Promise<void> {
  const within = signal ? { signal } : {};
  const total = [...blobs.values()].reduce((sum, content) => sum + sizeOf(content), 0);
  let [skipped, sent] = [0, 0];
  const tell = (bytes: { skipped?: number; sent?: number }) => {
    skipped += bytes.skipped ?? 0;
    sent += bytes.sent ?? 0;
    onProgress?.({ total, skipped, sent });
  };

  const small = [...blobs].filter(([, content]) => sizeOf(content) < largeBytes);
  const large = [...blobs].filter(([, content]) => sizeOf(content) >= largeBytes);
  const send = ([digest, content]: [Digest, Content]) => createOnce(blobKey(model, digest), content);
  await eachOf(small, atOnce, send);
  // One after the other: each is sent in parts, several at once.
  await eachOf(large, 1, send);

  async function createOnce(key: string, content: Content): Promise<void> {
    if (await isThere(key, content)) return tell({ skipped: sizeOf(content) });
    try {
      if (content instanceof Uint8Array) {
        await store.put(key, content, { ifNoneMatch: '*' }, within);
        tell({ sent: content.length });
      } else {
        const onBytes = (bytes: number) => tell({ sent: bytes });
        if ('path' in content) await store.upload(key, content, { ...within, onBytes });
        else await content.use((file) => store.upload(key, file, { ...within, onBytes }));
      }
    } catch (error) {
      // Who wrote it first wrote the same bytes: its name is their digest.
      const conflict = error instanceof GlowplugError && error.code === 'STORE_CONFLICT';
      if (!conflict || !(await isThere(key, content))) throw error;
    }
  }

  async function isThere(key: string, content: Content): Promise<boolean> {
    const there = await store.head(key, within);
    if (there && there.size !== sizeOf(content)) {
      throw new GlowplugError(
        'DIGEST_MISMATCH',
        `expected ${key} with ${sizeOf(content)} bytes, ${store.name} has ${there.size}`,
      );
    }
    return there !== undefined;
  }
}

/** The same as one part of a large one. */
const largeBytes = 8 * 1024 * 1024;
const atOnce = 8;

function sizeOf(content: Content): number {
  return content instanceof Uint8Array ? content.length : content.size;
}
