// A model's index.json: which tag names which version. Every change is a compare-and-swap, so no writer undoes another's.
import { GlowplugError } from '../core/errors.ts';
import { encode } from './manifest.ts';
import { readObject } from './read-object.ts';
import { isDigest, isVersionTag } from './reference.ts';
import type { ReadableStore, Store } from './stores/store.ts';
import type { Digest } from './version.ts';

/** A descriptor as it stands in the file: what other tools wrote into it is kept. */
export type Descriptor = Readonly<Record<string, unknown>> & { readonly digest: Digest; readonly size: number };

/** The file as it stands: what other tools wrote beside `manifests` is kept. */
export type ModelIndex = Readonly<Record<string, unknown>> & { readonly manifests: readonly Descriptor[] };

const refName = 'org.opencontainers.image.ref.name';

export function indexKey(model: string): string {
  return `${model}/index.json`;
}

/** undefined when the model was never published. */
export async function readIndex(
  store: ReadableStore,
  model: string,
  signal?: AbortSignal,
): Promise<{ etag: string; index: ModelIndex; manifests: readonly Descriptor[] } | undefined> {
  const found = await readObject(store, indexKey(model), sizeLimit, signal);
  if (!found) return undefined;
  const index = parse(new TextDecoder().decode(found.bytes), `${store.name}/${indexKey(model)}`);
  return { etag: found.etag, index, manifests: index.manifests };
}

export function findTag(manifests: readonly Descriptor[], tag: string): Descriptor | undefined {
  return manifests.find((descriptor) => tagOf(descriptor) === tag);
}

export function tagOf(descriptor: Descriptor): string | undefined {
  return annotationOf(descriptor, refName);
}

/** Of a descriptor, or of the index itself. */
export function annotationOf({ annotations }: Readonly<Record<string, unknown>>, key: string): string | undefined {
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  const value: unknown = Object.getOwnPropertyDescriptor(annotations, key)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** With one annotation set, or taken away. */
export function annotated<T extends Readonly<Record<string, unknown>>>(
  of: T,
  key: string,
  value: string | undefined,
): T {
  const { annotations } = of;
  const before = Object.entries(typeof annotations === 'object' && annotations !== null ? annotations : {});
  const others = before.filter(([name]) => name !== key);
  return { ...of, annotations: Object.fromEntries(value === undefined ? others : [...others, [key, value]]) };
}

/** The write-once tag of a version. */
export function versionOf(manifests: readonly Descriptor[], digest: Digest): string | undefined {
  const named = manifests.filter((descriptor) => descriptor.digest === digest);
  return named.flatMap((descriptor) => tagOf(descriptor) ?? []).find(isVersionTag);
}

/** The descriptors with `tag` naming `target`, and no other. */
export function withTag(manifests: readonly Descriptor[], tag: string, target: Descriptor): Descriptor[] {
  const others = manifests.filter((descriptor) => tagOf(descriptor) !== tag);
  return [...others, annotated(target, refName, tag)].sort(byTag);
}

/** As `swapIndex`, of what most edits are about. */
export async function editIndex(
  store: Store,
  model: string,
  edit: (
    manifests: readonly Descriptor[],
  ) => readonly Descriptor[] | undefined | Promise<readonly Descriptor[] | undefined>,
): Promise<void> {
  await swapIndex(store, model, async (index) => {
    const manifests = await edit(index.manifests);
    return manifests && { ...index, manifests };
  });
}

/**
 * Writes what `edit` makes of the index as it is now. When somebody else wrote in between it is read and edited again:
 * each lost race is another's success, so the bound is of writers at once, not of time. `edit` may throw, and returns
 * undefined when there is nothing to change. What `edit` awaits lies between the read and the swap: what it finds in the store
 * still holds when the swap succeeds, as far as whoever changes it swaps the index, too (publish and prune rest on this).
 */
export async function swapIndex(
  store: Store,
  model: string,
  edit: (index: ModelIndex) => ModelIndex | undefined | Promise<ModelIndex | undefined>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const current = await readIndex(store, model);
    const edited = await edit(current?.index ?? { manifests: [] });
    if (!edited) return;
    const body = encode({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', ...edited });
    if (body.length > sizeLimit) {
      throw new GlowplugError(
        'INPUT_TOO_LARGE',
        `expected at most ${sizeLimit} bytes of ${indexKey(model)}, got ${body.length}`,
        { remedy: 'Remove versions that are not used any more: glowplug prune.' },
      );
    }
    try {
      await store.put(indexKey(model), body, current ? { ifMatch: current.etag } : { ifNoneMatch: '*' });
      return;
    } catch (error) {
      if (!(error instanceof GlowplugError) || error.code !== 'STORE_CONFLICT' || attempt === writersAtOnce)
        throw error;
    }
  }
}

const writersAtOnce = 64;
/** OCI registries hold manifests and indexes to 4 MiB: 10,000 tags and more. */
export const sizeLimit = 4 * 1024 * 1024;

function parse(text: string, where: string): ModelIndex {
  try {
    const json: unknown = JSON.parse(text);
    if (isIndex(json)) return json;
  } catch {
    // Told below, with the place.
  }
  throw new GlowplugError('STORE_UNAVAILABLE', `expected an OCI image index at ${where}, got something else`, {
    remedy: 'Look at who else writes into the store; put the index back from a backup or publish to a new prefix.',
  });
}

function isIndex(value: unknown): value is ModelIndex {
  return (
    typeof value === 'object' &&
    value !== null &&
    'manifests' in value &&
    Array.isArray(value.manifests) &&
    value.manifests.every(isDescriptor)
  );
}

function isDescriptor(value: unknown): value is Descriptor {
  return (
    typeof value === 'object' &&
    value !== null &&
    'digest' in value &&
    isDigest(value.digest) &&
    'size' in value &&
    typeof value.size === 'number'
  );
}

function byTag(a: Descriptor, b: Descriptor): number {
  const [first, second] = [tagOf(a) ?? '', tagOf(b) ?? ''];
  return first < second ? -1 : first > second ? 1 : 0;
}
