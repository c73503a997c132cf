// A small document under the name of its digest.
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import { digestOf } from './manifest.ts';
import type { Descriptor } from './model-index.ts';
import { doomedBy, outlast, sweeping } from './prune-mark.ts';
import type { Store } from './stores/store.ts';

/**
 * Created once: when it is there already, it is the same. `manifests` are those of the index that will name it: what prune is
 * deleting now looks as if it were there, so its end is waited for.
 */
export async function putDocument(
  store: Store,
  model: string,
  bytes: Uint8Array,
  manifests: readonly Descriptor[],
  clock: Clock = systemClock,
): Promise<void> {
  const digest = digestOf(bytes);
  const mark = sweeping(manifests);
  if (mark && (await doomedBy(store, model, mark)).has(digest)) await outlast(store, model, mark, clock);
  try {
    await store.put(blobKey(model, digest), bytes, { ifNoneMatch: '*' });
  } catch (error) {
    if (!(error instanceof GlowplugError) || error.code !== 'STORE_CONFLICT') throw error;
  }
}
