// Signs a version that is published.
import { addSignature } from './add-signature.ts';
import { resolve } from './resolve.ts';
import type { Signer } from './signer.ts';
import type { Store } from './stores/store.ts';
import type { LockedVersion } from './version.ts';
import { signedPayload } from './version-signature.ts';

export interface Signed {
  readonly locked: LockedVersion;
  readonly keyId: string;
  /** False when this signature was there already. */
  readonly created: boolean;
}

/** @throws GlowplugError MODEL_NOT_FOUND, VERSION_YANKED, and what the signer throws */
export async function sign(store: Store, reference: string, signer: Signer): Promise<Signed> {
  const locked = await resolve(store, reference);
  const signature = await signer.sign(signedPayload(locked));
  return { locked, keyId: signer.keyId, created: await addSignature(store, locked, signer.keyId, signature) };
}
