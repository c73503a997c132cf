// A version to look at, yanked or not, with what its model's index says of it.
import { GlowplugError } from '../core/errors.ts';
import { findTag, type ModelIndex, readIndex, tagOf } from './model-index.ts';
import { formatReference, isVersionTag, parseReference } from './reference.ts';
import { resolve } from './resolve.ts';
import type { ReadableStore } from './stores/store.ts';
import type { Digest, LockedVersion } from './version.ts';
import { signaturesOf } from './version-signature.ts';
import { type Yanked, yankedOf } from './yanked.ts';

export interface Standing {
  /** The channels that name it now. */
  readonly channels: readonly string[];
  /** Ids of the keys that claim to have signed it: nothing was verified. */
  readonly signedBy: readonly string[];
  readonly yanked: Yanked | undefined;
}

/** @throws GlowplugError MODEL_NOT_FOUND, DIGEST_MISMATCH */
export async function describeVersion(
  store: ReadableStore,
  reference: string,
): Promise<{ locked: LockedVersion; standing: Standing }> {
  const { tag, ...rest } = parseReference(reference);
  const { model, digest } = rest;
  const index = (await readIndex(store, model))?.index ?? { manifests: [] };
  const wanted = digest ?? findTag(index.manifests, tag ?? '')?.digest;
  if (!wanted) throw new GlowplugError('MODEL_NOT_FOUND', `expected ${reference} in ${store.name}, it is not there`);
  return {
    locked: await resolve(store, formatReference({ ...rest, digest: wanted })),
    standing: standingOf(index, wanted),
  };
}

export function standingOf({ manifests }: ModelIndex, digest: Digest): Standing {
  const tags = manifests.filter((one) => one.digest === digest).flatMap((one) => tagOf(one) ?? []);
  return {
    channels: tags.filter((tag) => !isVersionTag(tag)),
    signedBy: signaturesOf(manifests, digest).map(({ keyId }) => keyId),
    yanked: yankedOf(manifests, digest),
  };
}
