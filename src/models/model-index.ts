// A model's index.json: which tag names which version. Every change is a compare-and-swap, so no writer undoes another's.
import { GlowplugError } from '../core/errors.ts';
import { encode } from './manifest.ts';
import { readObject } from './read-object.ts';
import { isDigest } from './reference.ts';
import type { ReadableStore, Store } from './stores/store.ts';
import type { Digest } from './version.ts';

/** A descriptor as it stands in the file: what other tools wrote into it is kept. */
export type Descriptor = Readonly<Record<string, unknown>> & { readonly digest: Digest; readonly size: number };

const refName = 'org.opencontainers.image.ref.name';

export function indexKey(model: string): string {
  return `${model}/index.json`;
}

/** undefined when the model was never published. */
export async function readIndex(
  store: ReadableStore,
  model: string,
  signal?: AbortSignal,
): Promise<{ etag: string; manifests: readonly Descriptor[] } | undefined> {
  const found = await readObject(store, indexKey(model), sizeLimit, signal);
  if (!found) return undefined;
  const text = new TextDecoder().decode(found.bytes);
  return { etag: found.etag, manifests: parse(text, `${store.name}/${indexKey(model)}`) };
}

export function findTag(manifests: readonly Descriptor[], tag: string): Descriptor | undefined {
  return manifests.find((descriptor) => tagOf(descriptor) === tag);
}

export function tagOf(descriptor: Descriptor): string | undefined {
  const { annotations } = descriptor;
  if (typeof annotations !== 'object' || annotations === null || !(refName in annotations)) return undefined;
  return typeof annotations[refName] === 'string' ? annotations[refName] : undefined;
}

/** The descriptors with `tag` naming `target`, and no other. */
export function withTag(manifests: readonly Descriptor[], tag: string, target: Descriptor): Descriptor[] {
  const others = manifests.filter((descriptor) => tagOf(descriptor) !== tag);
  const { annotations } = target;
  const kept = typeof annotations === 'object' && annotations !== null ? annotations : {};
  return [...others, { ...target, annotations: { ...kept, [refName]: tag } }].sort(byTag);
}

/**
 * Writes what `edit` makes of the index as it is now. When somebody else wrote in between it is read and edited again:
 * each lost race is another's success, so the bound is of writers at once, not of time. `edit` may throw, and returns
 * undefined when there is nothing to change. What `edit` awaits lies between the read and the swap: what it finds in the store
 * still holds when the swap succeeds, as far as whoever changes it swaps the index, too (publish and prune rest on this).
 */
export async function editIndex(
  store: Store,
  model: string,
  edit: (
    manifests: readonly Descriptor[],
  ) => readonly Descriptor[] | undefined | Promise<readonly Descriptor[] | undefined>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const current = await readIndex(store, model);
    const manifests = await edit(current?.manifests ?? []);
    if (!manifests) return;
    const body = encode({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests });
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

function parse(text: string, where: string): Descriptor[] {
  try {
    const { manifests }: { manifests?: unknown } = JSON.parse(text);
    if (Array.isArray(manifests) && manifests.every(isDescriptor)) return manifests;
  } catch {
    // Told below, with the place.
  }
  throw new GlowplugError('STORE_UNAVAILABLE', `expected an OCI image index at ${where}, got something else`, {
    remedy: 'Look at who else writes into the store; put the index back from a backup or publish to a new prefix.',
  });
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
