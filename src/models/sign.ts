// Signs a version that is published: a referrer beside it, which any OCI tool lists.
import { GlowplugError } from '../core/errors.ts';
import { editIndex, readIndex, tagOf } from './model-index.ts';
import { putDocument } from './put-document.ts';
import { resolve } from './resolve.ts';
import type { Signer } from './signer.ts';
import type { Store } from './stores/store.ts';
import type { LockedVersion } from './version.ts';
import { buildSignature, signedPayload } from './version-signature.ts';

export interface Signed {
  readonly locked: LockedVersion;
  readonly keyId: string;
  /** False when this signature was there already. */
  readonly created: boolean;
}

/** @throws GlowplugError MODEL_NOT_FOUND, VERSION_YANKED, and what the signer throws */
export async function sign(store: Store, reference: string, signer: Signer): Promise<Signed> {
  const locked = await resolve(store, reference);
  const { model, digest } = locked;
  const manifests = (await readIndex(store, model))?.manifests ?? [];
  const subject = manifests.find((one) => one.digest === digest && tagOf(one) !== undefined);
  if (!subject) throw new GlowplugError('MODEL_NOT_FOUND', `expected a tag of ${model}@${digest} in ${store.name}`);
  const { descriptor, blobs, manifest } = buildSignature(
    subject,
    signer.keyId,
    await signer.sign(signedPayload(locked)),
  );
  let created = false;
  // Written between the read of the index and its swap, as whatever deletes unnamed blobs expects.
  await editIndex(store, model, async (now) => {
    created = !now.some((one) => one.digest === descriptor.digest);
    if (!created) return undefined;
    for (const bytes of [...blobs, manifest]) await putDocument(store, model, bytes, now);
    return [descriptor, ...now];
  });
  return { locked, keyId: signer.keyId, created };
}
