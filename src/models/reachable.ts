// Every digest that a model's index and its pins lead to: what must never be deleted.
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import { indexKey, sizeLimit } from './model-index.ts';
import { readObject } from './read-object.ts';
import { isDigest } from './reference.ts';
import { readDocument } from './resolve.ts';
import type { Store } from './stores/store.ts';
import type { Digest } from './version.ts';

/**
 * Whatever the index mentions counts, annotations and history too: a digest is protected by being written down, not by being
 * understood. Manifests and indexes are followed, also those that history mentions without a media type. `pinned` is what lock
 * files pin; a deployment's pin is any file under `<model>/pins/`.
 *
 * @throws GlowplugError MODEL_NOT_FOUND when a manifest that is named is gone: nobody can tell what it named.
 */
export async function reachableDigests(
  store: Store,
  model: string,
  pinned: Iterable<Digest>,
): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  const followed = new Set<Digest>();
  const roots: unknown[] = [...pinned];
  const index = await readObject(store, indexKey(model), sizeLimit);
  if (index) roots.push(JSON.parse(new TextDecoder().decode(index.bytes)));
  for await (const key of store.list(`${model}/pins/`)) {
    const pin = await readObject(store, key, sizeLimit);
    if (pin) roots.push(new TextDecoder().decode(pin.bytes));
  }
  for (const mention of mentions(roots)) await follow(mention, true);
  return found;

  async function follow({ digest, mediaType }: Mention, fromRoot: boolean): Promise<void> {
    found.add(digest);
    const named = mediaType !== undefined && /\.(manifest|index)\b/.test(mediaType);
    const perhaps = mediaType === undefined && fromRoot;
    if (!(named || perhaps) || followed.has(digest)) return;
    followed.add(digest);
    const document = named
      ? JSON.parse(new TextDecoder().decode(await readDocument(store, model, digest)))
      : await readIfDocument(digest);
    for (const mention of mentions(document)) await follow(mention, false);
  }

  async function readIfDocument(digest: Digest): Promise<unknown> {
    try {
      const object = await readObject(store, blobKey(model, digest), sizeLimit);
      const document: unknown = object && JSON.parse(new TextDecoder().decode(object.bytes));
      return document instanceof Object && 'schemaVersion' in document ? document : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      if (error instanceof GlowplugError && error.code === 'INPUT_TOO_LARGE') return undefined;
      throw error;
    }
  }
}

interface Mention {
  readonly digest: Digest;
  readonly mediaType: string | undefined;
}

/** Digests in any text of a document, with the media type where one stands beside it in a descriptor. */
function* mentions(value: unknown): Generator<Mention> {
  if (typeof value === 'string') {
    for (const [digest] of value.matchAll(/sha256:[0-9a-f]{64}/g)) {
      if (isDigest(digest)) yield { digest, mediaType: undefined };
    }
  }
  if (!(value instanceof Object)) return;
  const { digest, mediaType, ...rest }: { digest?: unknown; mediaType?: unknown } = value;
  if (isDigest(digest)) yield { digest, mediaType: typeof mediaType === 'string' ? mediaType : undefined };
  for (const inner of Array.isArray(value) ? value : Object.values({ ...rest, mediaType })) yield* mentions(inner);
  if (!isDigest(digest)) yield* mentions(digest);
}
