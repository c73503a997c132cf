// A small document under the name of its digest.
import { GlowplugError } from '../core/errors.ts';
import { blobKey, digestOf } from './manifest.ts';
import type { Store } from './stores/store.ts';

/** Created once: when it is there already, it is the same. */
export async function putDocument(store: Store, model: string, bytes: Uint8Array): Promise<void> {
  try {
    await store.put(blobKey(model, digestOf(bytes)), bytes, { ifNoneMatch: '*' });
  } catch (error) {
    if (!(error instanceof GlowplugError) || error.code !== 'STORE_CONFLICT') throw error;
  }
}
