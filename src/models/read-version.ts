// A version as one store holds it, to be published into another: its documents byte for byte, its blobs when they are asked for.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SingleFlight } from '../core/single-flight.ts';
import { blobSource } from './blob-source.ts';
import { hashFile } from './hash-file.ts';
import { blobsOf } from './manifest.ts';
import { temporaryPath } from './owner.ts';
import { parseReference } from './reference.ts';
import { lockedVariant, readDocument, resolve } from './resolve.ts';
import type { ReadableStore } from './stores/store.ts';
import { parseVariants } from './variants.ts';
import { writeVerified } from './verified-file.ts';
import type { BuiltVariant, BuiltVersion, Content, Digest, RemoteFile } from './version.ts';

/**
 * All variants of it, whichever the reference names. A blob that the other store lacks passes through `folder` and is
 * verified there.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, DIGEST_MISMATCH
 */
export async function readVersion(store: ReadableStore, reference: string, folder: string): Promise<BuiltVersion> {
  const { variant: _all, ...named } = parseReference(reference);
  const { model, tag } = named;
  const locked = await resolve(store, named.digest ? `${model}@${named.digest}` : `${model}:${tag}`);
  const manifest = await readDocument(store, model, locked.digest);
  const variants: Record<string, BuiltVariant> = {};
  const listed = parseVariants(manifest, locked.digest) ?? [];
  const documents = new SingleFlight<Uint8Array>();
  const read = (digest: Digest) => documents.run(digest, () => readDocument(store, model, digest));
  for (const { name, digest } of listed) {
    variants[name] = { manifest: await read(digest), locked: await lockedVariant(locked, listed, name, read) };
  }
  const manifests = Object.values(variants).map((variant) => variant.manifest);
  const blobs = (manifests.length > 0 ? manifests : [manifest]).flatMap(blobsOf);
  const contents = blobs.map((blob) => [blob.digest, remote(blob)] as const);
  return { locked, manifest, variants, blobs: new Map<Digest, Content>(contents) };

  function remote({ digest, size }: (typeof blobs)[number]): RemoteFile {
    return {
      size,
      async use(send) {
        const path = temporaryPath(join(folder, 'copies'));
        const what = `a blob of ${reference}`;
        try {
          await writeVerified(path, { digest, size, what }, blobSource(store, { model, digest, size, what }));
          await send(await hashFile(path));
        } finally {
          await rm(path, { force: true });
        }
      },
    };
  }
}
