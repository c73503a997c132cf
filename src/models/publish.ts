// A built version into the store: blobs, then the manifest, then the tag, so that a reader never sees half a version.
import { GlowplugError } from '../core/errors.ts';
import { artifactType, blobKey, encode, manifestType } from './manifest.ts';
import { type Descriptor, editIndex, findTag, readIndex, withTag } from './model-index.ts';
import type { Store } from './stores/store.ts';
import type { BuiltVersion, LockedVersion } from './version.ts';

export interface Published {
  readonly locked: LockedVersion;
  /** False when the version was there already. */
  readonly created: boolean;
}

/** What is there already is not sent again. @throws GlowplugError STORE_CONFLICT when the version’s tag is another’s. */
export async function publish(store: Store, built: BuiltVersion): Promise<Published> {
  const { locked, manifest, blobs } = built;
  const { model, version, digest } = locked;
  const descriptor: Descriptor = { mediaType: manifestType, artifactType, digest, size: manifest.length };

  /** Undefined when the tag is this version's already. */
  const tagged = (manifests: readonly Descriptor[]) => {
    const taken = findTag(manifests, version)?.digest;
    if (taken === digest) return undefined;
    if (taken === undefined) return withTag(manifests, version, descriptor);
    throw new GlowplugError(
      'STORE_CONFLICT',
      `expected ${model}:${version} to be free or ${digest}, it is ${taken} in ${store.name}`,
      { remedy: `A version is written once: raise the version in models/${model}.ts, then publish again.` },
    );
  };
  // Asked before anything is sent, and again when the tag is written.
  const created = tagged((await readIndex(store, model))?.manifests ?? []) !== undefined;

  const sent = [...blobs].map(([blob, bytes]) => createOnce(store, blobKey(model, blob), bytes));
  // When one fails, nothing is under way any more when the caller hears of it.
  await Promise.allSettled(sent);
  await Promise.all(sent);
  await createOnce(store, `${model}/oci-layout`, encode({ imageLayoutVersion: '1.0.0' }));
  await createOnce(store, blobKey(model, digest), manifest);
  await editIndex(store, model, tagged);
  return { locked, created };
}

async function createOnce(store: Store, key: string, bytes: Uint8Array): Promise<void> {
  if (sameSize(await store.head(key))) return;
  try {
    await store.put(key, bytes, { ifNoneMatch: '*' });
  } catch (error) {
    // Who wrote it first wrote the same bytes: its name is their digest.
    if (!(error instanceof GlowplugError) || error.code !== 'STORE_CONFLICT' || !sameSize(await store.head(key)))
      throw error;
  }

  function sameSize(there: { size: number } | undefined): boolean {
    if (there && there.size !== bytes.length) {
      throw new GlowplugError(
        'DIGEST_MISMATCH',
        `expected ${key} with ${bytes.length} bytes, ${store.name} has ${there.size}`,
      );
    }
    return there !== undefined;
  }
}
