// A signature beside a version: a referrer, which any OCI tool lists.
import { GlowplugError } from '../core/errors.ts';
import { editIndex, readIndex, tagOf } from './model-index.ts';
import { putDocument } from './put-document.ts';
import type { Store } from './stores/store.ts';
import type { LockedVersion } from './version.ts';
import { buildSignature } from './version-signature.ts';

/** False when it was there already. @throws GlowplugError MODEL_NOT_FOUND when the store does not hold the version */
export async function addSignature(
  store: Store,
  { model, digest }: LockedVersion,
  keyId: string,
  signature: Uint8Array,
): Promise<boolean> {
  const manifests = (await readIndex(store, model))?.manifests ?? [];
  const subject = manifests.find((one) => one.digest === digest && tagOf(one) !== undefined);
  if (!subject) throw new GlowplugError('MODEL_NOT_FOUND', `expected a tag of ${model}@${digest} in ${store.name}`);
  const { descriptor, blobs, manifest } = buildSignature(subject, keyId, signature);
  let created = false;
  // Written between the read of the index and its swap, as whatever deletes unnamed blobs expects.
  await editIndex(store, model, async (now) => {
    created = !now.some((one) => one.digest === descriptor.digest);
    if (!created) return undefined;
    for (const bytes of [...blobs, manifest]) await putDocument(store, model, bytes, now);
    return [descriptor, ...now];
  });
  return created;
}
