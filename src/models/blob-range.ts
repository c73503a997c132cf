// Ranges of a blob, in the fastest way that its store has, and the usual one where that does not go.
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import type { Blob } from './blob-source.ts';
import type { OpenRange } from './fetch-chunks.ts';
import type { ReadableStore } from './stores/store.ts';

/** Opened ranges throw MODEL_NOT_FOUND, DIGEST_MISMATCH for another size, and what the store throws. */
export function blobRange(
  store: ReadableStore,
  { model, digest, size, what }: Blob,
  /** Told when each request is with the network. */
  sending: { begin(): () => void },
): OpenRange {
  const key = blobKey(model, digest);
  return async (range, signal, land) => {
    const sent = sending.begin();
    try {
      if (await store.receive?.(key, { range, size, signal, onSent: sent, land })) return;
      const whole = range[0] === 0 && range[1] === size - 1;
      const found = await store.get(key, { ...(whole ? {} : { range }), signal, onSent: sent });
      if (found?.size !== size) {
        await found?.body.cancel();
        throw found
          ? new GlowplugError('DIGEST_MISMATCH', `expected ${what} of ${size} bytes, the store has ${found.size}`)
          : new GlowplugError('MODEL_NOT_FOUND', `expected ${what} (${digest}) in ${store.name}, there is none`);
      }
      sent();
      for await (const bytes of found.body) if (!land(bytes)) return;
    } finally {
      sent();
    }
  };
}
