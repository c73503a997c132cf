// What a channel names now, in one small conditional request.
import { GlowplugError } from '../core/errors.ts';
import { findTag, indexKey, readIndex } from './model-index.ts';
import { parseReference } from './reference.ts';
import { type Share, shareOf } from './share.ts';
import type { ReadableStore } from './stores/store.ts';
import type { Digest } from './version.ts';

export interface Named {
  /** Of the index: given back at the next look, an index that did not change is not sent again. */
  readonly etag: string;
  readonly digest: Digest;
  /** What a rollout gives the version; undefined where none is under way. */
  readonly share?: Share | undefined;
}

/** @throws GlowplugError MODEL_NOT_FOUND when nothing has this tag; STORE_UNAVAILABLE, STORE_FORBIDDEN */
export async function lookUp(
  store: ReadableStore,
  reference: string,
  etag: string | undefined,
): Promise<Named | 'unchanged'> {
  const { model, tag = '' } = parseReference(reference);
  const found = await store.get(indexKey(model), etag === undefined ? {} : { ifNoneMatch: etag });
  if (found && found.etag === etag) {
    await found.body.cancel();
    return 'unchanged';
  }
  const index = await readIndex({ name: store.name, get: async () => found }, model);
  const descriptor = index && findTag(index.manifests, tag);
  if (index && descriptor) {
    return { etag: index.etag, digest: descriptor.digest, share: shareOf(index.index, tag) };
  }
  throw new GlowplugError('MODEL_NOT_FOUND', `expected ${reference} in ${store.name}, there is no such tag`);
}
