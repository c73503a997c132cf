// What a reader of a store may count on: every tag names a version, and all of its bytes are there and right.
import { blobKey } from '../../src/models/blob-key.ts';
import { blobsOf, digestOf } from '../../src/models/manifest.ts';
import { readIndex, tagOf } from '../../src/models/model-index.ts';
import { readAll } from '../../src/models/read-all.ts';
import { readDocument, resolve } from '../../src/models/resolve.ts';
import type { ReadableStore } from '../../src/models/stores/store.ts';
import { parseVariants } from '../../src/models/variants.ts';

/** The tags, each of which was followed to its last byte. Throws at the first that cannot be. */
export async function wholeTags(store: ReadableStore, model: string): Promise<string[]> {
  const index = await readIndex(store, model);
  const tags = index?.manifests.flatMap((descriptor) => tagOf(descriptor) ?? []) ?? [];
  for (const tag of tags) {
    const { digest } = await resolve(store, `${model}:${tag}`);
    const document = await readDocument(store, model, digest);
    const variants = parseVariants(document, digest);
    const manifests = variants
      ? await Promise.all(variants.map((variant) => readDocument(store, model, variant.digest)))
      : [document];
    for (const blob of manifests.flatMap(blobsOf)) {
      const found = await store.get(blobKey(model, blob.digest));
      if (!found) throw new Error(`half a version: ${model}:${tag} lacks ${blob.digest}`);
      const got = digestOf(await readAll(found.body, blob.size, blob.digest));
      if (got !== blob.digest) throw new Error(`half a version: ${model}:${tag} has ${got} for ${blob.digest}`);
    }
  }
  return tags;
}
