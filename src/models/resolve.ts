// Which version a reference means now.
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import { digestOf, parseManifest } from './manifest.ts';
import { findTag, readIndex, sizeLimit, tagOf } from './model-index.ts';
import { readObject } from './read-object.ts';
import { formatReference, parseReference } from './reference.ts';
import { asStartForm } from './start-form.ts';
import type { ReadableStore } from './stores/store.ts';
import { chooseVariant, type ListedVariant, ofVersion, parseVariants } from './variants.ts';
import type { Digest, LockedVersion } from './version.ts';
import { refuseYanked } from './yanked.ts';

/**
 * Reads the index (for a tag), the manifest and, where the version has variants, the one that is meant; never the model. A
 * yanked version is refused unless the reference names its digest, or `pinned` is it: who has it already goes on.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, VERSION_YANKED, DIGEST_MISMATCH
 */
export async function resolve(
  store: ReadableStore,
  reference: string,
  signal?: AbortSignal,
  pinned?: Digest,
): Promise<LockedVersion> {
  const { model, tag, digest, variant } = parseReference(reference);
  const wanted = digest ?? (await digestOfTag(store, model, tag ?? '', signal, pinned));
  const bytes = await readDocument(store, model, wanted, signal);
  const variants = parseVariants(bytes, wanted);
  if (!variants) {
    if (variant !== undefined) chooseVariant([], variant, formatReference({ model, digest: wanted }));
    return lockedVersion(model, bytes, wanted);
  }
  const read = (one: Digest) => readDocument(store, model, one, signal);
  return await lockedVariant({ model, digest: wanted }, variants, variant, read);
}

/** One of the version's variants, the first where none is named, with the forms that its cold start may take. */
export async function lockedVariant(
  { model, digest }: Pick<LockedVersion, 'model' | 'digest'>,
  variants: readonly ListedVariant[],
  name: string | undefined,
  readManifest: (digest: Digest) => Promise<Uint8Array>,
): Promise<LockedVersion> {
  const what = formatReference({ model, digest });
  const read = async (one: ListedVariant) => lockedVersion(model, await readManifest(one.digest), one.digest);
  const chosen = chooseVariant(variants, name, what);
  const forms = chosen.starts?.map((form) => chooseVariant(variants, form, what));
  const [own, ...others] = await Promise.all([chosen, ...(forms ?? [])].map(read));
  const starts = forms?.map((form, at) => asStartForm(others[at]!, form.name, form.needs));
  return ofVersion(own!, digest, chosen.name, starts);
}

/** A manifest or an index, which are the bytes of their digest or nothing. @throws GlowplugError */
export async function readDocument(
  store: ReadableStore,
  model: string,
  digest: Digest,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const found = await readObject(store, blobKey(model, digest), sizeLimit, signal);
  if (!found) {
    throw new GlowplugError('MODEL_NOT_FOUND', `expected ${formatReference({ model, digest })} in ${store.name}`);
  }
  const got = digestOf(found.bytes);
  if (got === digest) return found.bytes;
  throw new GlowplugError('DIGEST_MISMATCH', `expected the manifest of ${model} to be ${digest}, got ${got}`);
}

function lockedVersion(model: string, bytes: Uint8Array, digest: Digest): LockedVersion {
  const locked = parseManifest(bytes, digest);
  if (locked.model === model) return locked;
  throw new GlowplugError(
    'MODEL_NOT_FOUND',
    `expected ${digest} to be a version of ${model}, it is one of ${locked.model}`,
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
