// A blob of a store as bytes that can be asked for from any offset on.
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import type { Body, ReadableStore } from './stores/store.ts';
import type { Source } from './verified-file.ts';
import type { Digest } from './version.ts';

export interface Blob {
  readonly model: string;
  readonly digest: Digest;
  readonly size: number;
  /** What it is, for messages. */
  readonly what: string;
}

/** `onBytes` hears of bytes as they are read. The source throws MODEL_NOT_FOUND when the blob is not there. */
export function blobSource(
  store: ReadableStore,
  { model, digest, size, what }: Blob,
  onBytes: (bytes: number) => void = () => {},
  signal?: AbortSignal,
): Source {
  return async (offset) => {
    const within = signal ? { signal } : {};
    const found = await store.get(blobKey(model, digest), {
      ...within,
      ...(offset > 0 ? { range: [offset, size - 1] as const } : {}),
    });
    if (!found) {
      throw new GlowplugError('MODEL_NOT_FOUND', `expected ${what} (${digest}) in ${store.name}, there is none`, {
        remedy: 'Publish the version again: what is missing is sent, and the rest is left as it is.',
      });
    }
    return { size: found.size, body: counted(found.body, onBytes) };
  };
}

function counted(body: Body, count: (bytes: number) => void): Body {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of body) {
        count(chunk.length);
        yield chunk;
      }
    },
    cancel: () => body.cancel(),
  };
}
