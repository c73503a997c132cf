// A built version into the store: blobs, then manifests, then the tag, so that a reader never sees half a version.
import { type Clock, systemClock } from '../core/clock.ts';
import { eachOf } from '../core/each-of.ts';
import { GlowplugError } from '../core/errors.ts';
import { artifactType, digestOf, encode, manifestType } from './manifest.ts';
import { type Descriptor, editIndex, findTag, withTag } from './model-index.ts';
import { doomedBy, outlast, sweeping, withMark } from './prune-mark.ts';
import { sendBlobs, type Transfer } from './send-blobs.ts';
import type { Store } from './stores/store.ts';
import { indexType } from './variants.ts';
import type { BuiltVersion, Digest, LockedVersion } from './version.ts';

export interface Published {
  readonly locked: LockedVersion;
  /** False when the version was there already. */
  readonly created: boolean;
}

export interface PublishOptions {
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (transfer: Transfer) => void;
}

/**
 * What is there already is not sent again, and what an earlier publish began is gone on with. Everything is looked at between
 * reading the index and swapping it: who deletes swaps the index, too, so the tag never names what was deleted meanwhile.
 *
 * @throws GlowplugError STORE_CONFLICT when the version’s tag is another’s; DIGEST_MISMATCH when a file changed meanwhile
 */
export async function publish(store: Store, built: BuiltVersion, options: PublishOptions = {}): Promise<Published> {
  const { locked, manifest, variants } = built;
  const { model, version, digest } = locked;
  const { clock = systemClock, signal } = options;
  const mediaType = Object.keys(variants).length > 0 ? indexType : manifestType;
  const descriptor: Descriptor = { mediaType, artifactType, digest, size: manifest.length };
  const manifests = Object.values(variants).map((variant) => variant.manifest);
  const named = (bytes: Uint8Array): [Digest, Uint8Array] => [digestOf(bytes), bytes];
  const within = signal ? { signal } : {};
  let created: boolean | undefined;

  await editIndex(store, model, async (before) => {
    const tagged = withVersion(before, descriptor);
    created ??= tagged !== undefined;
    const mark = await prunedUnderUs(before);
    await eachOf([createLayout, () => sendBlobs(store, model, built.blobs, options)], 2, (work) => work());
    for (const documents of [manifests, [manifest]])
      await sendBlobs(store, model, new Map(documents.map(named)), within);
    // An abandoned mark goes with the tag: whoever comes after us need not wait for it again.
    return tagged && mark ? withMark(tagged, mark, 'done') : tagged;
  });
  return { locked, created: created === true };

  /** Undefined when the tag is this version's already. */
  function withVersion(before: readonly Descriptor[], target: Descriptor): Descriptor[] | undefined {
    const taken = findTag(before, version)?.digest;
    if (taken === digest) return undefined;
    if (taken === undefined) return withTag(before, version, target);
    throw new GlowplugError(
      'STORE_CONFLICT',
      `expected ${model}:${version} to be free or ${digest}, it is ${taken} in ${store.name}`,
      { remedy: `A version is written once: raise the version in models/${model}.ts, then publish again.` },
    );
  }

  /** A blob that prune is about to delete looks as if it were there: its end is waited for. */
  async function prunedUnderUs(before: readonly Descriptor[]): Promise<Descriptor | undefined> {
    const mark = sweeping(before);
    if (!mark) return undefined;
    const doomed = await doomedBy(store, model, mark);
    if (![...built.blobs.keys(), ...[...manifests, manifest].map(digestOf)].some((blob) => doomed.has(blob)))
      return undefined;
    return (await outlast(store, model, mark, clock, signal)) === 'abandoned' ? mark : undefined;
  }

  async function createLayout(): Promise<void> {
    const key = `${model}/oci-layout`;
    if (await store.head(key, within)) return;
    await store
      .put(key, encode({ imageLayoutVersion: '1.0.0' }), { ifNoneMatch: '*' }, within)
      .catch((error: unknown) => {
        if (!(error instanceof GlowplugError) || error.code !== 'STORE_CONFLICT') throw error;
      });
  }
}
