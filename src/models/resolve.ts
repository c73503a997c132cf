// Which version a reference means now.
import { GlowplugError } from '../core/errors.ts';
import { blobKey, digestOf, parseManifest } from './manifest.ts';
import { findTag, readIndex, sizeLimit, tagOf } from './model-index.ts';
import { readAll } from './read-all.ts';
import { formatReference, parseReference } from './reference.ts';
import type { ReadableStore } from './stores/store.ts';
import type { Digest, LockedVersion } from './version.ts';
import { refuseYanked } from './yanked.ts';

/**
 * Reads the index (for a tag) and the manifest, never the model. A yanked version is refused unless the reference names its
 * digest, or `pinned` is it: who has it already goes on.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, VERSION_YANKED, DIGEST_MISMATCH
 */
export async function resolve(
  store: ReadableStore,
  reference: string,
  signal?: AbortSignal,
  pinned?: Digest,
): Promise<LockedVersion> {
  const { model, tag, digest } = parseReference(reference);
  const wanted = digest ?? (await digestOfTag(store, model, tag ?? '', signal, pinned));
  const found = await store.get(blobKey(model, wanted), signal ? { signal } : {});
  if (!found) {
    throw new GlowplugError(
      'MODEL_NOT_FOUND',
      `expected ${formatReference({ model, digest: wanted })} in ${store.name}`,
    );
  }
  const bytes = await readAll(found.body, sizeLimit, `the manifest ${wanted}`);
  const got = digestOf(bytes);
  if (got !== wanted) {
    throw new GlowplugError('DIGEST_MISMATCH', `expected the manifest of ${model} to be ${wanted}, got ${got}`);
  }
  const locked = parseManifest(bytes, wanted);
  if (locked.model === model) return locked;
  throw new GlowplugError(
    'MODEL_NOT_FOUND',
    `expected ${wanted} to be a version of ${model}, it is one of ${locked.model}`,
  );
}

async function digestOfTag(
  store: ReadableStore,
  model: string,
  tag: string,
  signal: AbortSignal | undefined,
  pinned: Digest | undefined,
): Promise<Digest> {
  const index = await readIndex(store, model, signal);
  const found = index && findTag(index.manifests, tag);
  if (found) {
    if (found.digest !== pinned) refuseYanked(`${model}:${tag}`, index.manifests, found.digest);
    return found.digest;
  }
  const tags = index?.manifests.flatMap((descriptor) => tagOf(descriptor) ?? []);
  const held = tags ? `whose tags are ${tags.slice(-20).join(', ')}` : 'which has no such model';
  throw new GlowplugError('MODEL_NOT_FOUND', `expected ${model}:${tag} in ${store.name}, ${held}`);
}
