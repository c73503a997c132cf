// What a deployment pins of a model, written into the index: prune leaves it, whatever becomes of its tags.
import { type Clock, systemClock } from '../core/clock.ts';
import { eachOf } from '../core/each-of.ts';
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import { artifactType, blobsOf, manifestType } from './manifest.ts';
import { annotated, annotationOf, type Descriptor, editIndex } from './model-index.ts';
import { outlast, sweeping, withMark } from './prune-mark.ts';
import { readDocument } from './resolve.ts';
import type { Store } from './stores/store.ts';
import { indexType, parseVariants } from './variants.ts';
import type { Digest } from './version.ts';

export interface Pin {
  /** Whose pins these are: the stack, with its account and region. */
  readonly deployment: string;
  /** All that it pins of this model; none takes its pins away. */
  readonly digests: readonly Digest[];
  /**
   * Also keeps what it pinned before: while a deployment is under way the earlier functions go on, and may come back.
   * @default false
   */
  readonly keep?: boolean;
  readonly clock?: Clock;
}

/**
 * Makes sure of every blob between reading the index and swapping it, as publish does: so no prune takes one meanwhile
 * (docs/decisions/pruning.md). Nothing is written when the pins are so already.
 *
 * @throws GlowplugError MODEL_NOT_FOUND naming the blob that is absent
 */
export async function pin(store: Store, model: string, options: Pin): Promise<void> {
  const { deployment, digests, keep = false, clock = systemClock } = options;
  await editIndex(store, model, async (before) => {
    const mark = sweeping(before);
    const abandoned = mark !== undefined && (await outlast(store, model, mark, clock)) === 'abandoned';
    const wanted = new Map<Digest, Descriptor>();
    for (const digest of digests) wanted.set(digest, await wholeVersion(store, model, digest));

    const own = before.filter((one) => annotationOf(one, pinnedBy) === deployment);
    if (keep) for (const one of own) wanted.set(one.digest, one);
    if (own.length === wanted.size && own.every(({ digest }) => wanted.has(digest))) return undefined;
    const after = [
      ...before.filter((one) => !own.includes(one)),
      ...[...wanted.values()].map((one) => annotated(one, pinnedBy, deployment)),
    ];
    return abandoned ? withMark(after, mark, 'done') : after;
  });
}

/** What a deployment pins of a model, as its index stands. */
export function pinsOf(manifests: readonly Descriptor[], deployment: string): Digest[] {
  return manifests.filter((one) => annotationOf(one, pinnedBy) === deployment).map(({ digest }) => digest);
}

/**
 * The descriptor of a version, each of whose blobs is in the store at its full size. @throws GlowplugError MODEL_NOT_FOUND
 */
export async function wholeVersion(store: Store, model: string, digest: Digest): Promise<Descriptor> {
  const document = await readDocument(store, model, digest);
  const variants = parseVariants(document, digest);
  const manifests = variants
    ? await Promise.all(variants.map((variant) => readDocument(store, model, variant.digest)))
    : [document];
  await eachOf(manifests.flatMap(blobsOf), headsAtOnce, async (blob) => {
    const there = await store.head(blobKey(model, blob.digest));
    if (there?.size === blob.size) return;
    throw new GlowplugError(
      'MODEL_NOT_FOUND',
      `expected blob ${blob.digest} (${blob.size} bytes) of ${model}@${digest} in ${store.name}, ${there ? `it has ${there.size} bytes` : 'it is absent'}`,
      { remedy: 'Publish the version again: glowplug publish, or glowplug copy from the store that has it.' },
    );
  });
  return { mediaType: variants ? indexType : manifestType, artifactType, digest, size: document.length };
}

const pinnedBy = 'glowplug.pin';
const headsAtOnce = 8;
