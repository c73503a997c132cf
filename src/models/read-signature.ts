// The bytes of a signature that a store's index tells of.
import { GlowplugError } from '../core/errors.ts';
import { blobKey } from './blob-key.ts';
import { digestOf } from './manifest.ts';
import type { Descriptor } from './model-index.ts';
import { readAll } from './read-all.ts';
import type { ReadableStore } from './stores/store.ts';
import type { PinnedVersion } from './version.ts';
import { parseSignatureManifest } from './version-signature.ts';

/** Whoever can write to the store can write many. */
export const signaturesLimit = 32;
const manifestBytes = 64 * 1024;

/** Undefined when it is not there, is of another version, or is not what its digest says. */
export async function readSignature(
  store: ReadableStore,
  { model, digest }: PinnedVersion,
  descriptor: Descriptor,
): Promise<Uint8Array | undefined> {
  const found = await store.get(blobKey(model, descriptor.digest));
  if (!found) return undefined;
  const bytes = await readAll(found.body, manifestBytes, 'a signature').catch((error: unknown) => {
    if (error instanceof GlowplugError && error.code === 'INPUT_TOO_LARGE') return undefined;
    throw error;
  });
  const parsed = bytes && digestOf(bytes) === descriptor.digest ? parseSignatureManifest(bytes) : undefined;
  return parsed?.subject === digest ? parsed.signature : undefined;
}
