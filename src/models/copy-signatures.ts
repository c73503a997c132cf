// The signatures of a version, from one store into another: they are over what a copy keeps.
import { addSignature } from './add-signature.ts';
import { readIndex } from './model-index.ts';
import { readSignature, signaturesLimit } from './read-signature.ts';
import type { ReadableStore, Store } from './stores/store.ts';
import type { LockedVersion } from './version.ts';
import { signaturesOf } from './version-signature.ts';

/** The keys of those that are in both now; whether they are right is for who uses the version. @throws GlowplugError MODEL_NOT_FOUND */
export async function copySignatures(from: ReadableStore, to: Store, locked: LockedVersion): Promise<string[]> {
  const found = signaturesOf((await readIndex(from, locked.model))?.manifests ?? [], locked.digest);
  const keys: string[] = [];
  for (const { keyId, descriptor } of found.slice(0, signaturesLimit)) {
    const signature = await readSignature(from, locked, descriptor);
    if (!signature) continue;
    await addSignature(to, locked, keyId, signature);
    keys.push(keyId);
  }
  return keys;
}
