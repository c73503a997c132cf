// Whether a version may be used: signed by a key that is trusted for its model, and not below the model's floor.
import { verify } from 'node:crypto';
import { GlowplugError } from '../core/errors.ts';
import { refuseBelow } from './floor.ts';
import { readIndex } from './model-index.ts';
import { readSignature, signaturesLimit } from './read-signature.ts';
import type { ReadableStore } from './stores/store.ts';
import { floorOf, keysFile, type TrustedKeys, toPublicKey } from './trusted-keys.ts';
import type { PinnedVersion } from './version.ts';
import { signaturesOf, signedPayload } from './version-signature.ts';

export { parseTrustedKeys } from './trusted-keys.ts';

/**
 * Nothing is asked of the store when the file holds no key; else the index and one small manifest. Light enough for a
 * running function: node:crypto alone.
 *
 * @throws GlowplugError SIGNATURE_INVALID, BELOW_FLOOR, STORE_UNAVAILABLE
 */
export async function verifySigned(store: ReadableStore, locked: PinnedVersion, trusted: TrustedKeys): Promise<void> {
  const { model, version, digest } = locked;
  refuseBelow(floorOf(trusted, model), model, version);
  if (Object.keys(trusted.keys).length === 0) return;
  const believed = Object.entries(trusted.keys).filter(
    ([, { models }]) => models.includes('*') || models.includes(model),
  );
  const wanted = `expected ${model}:${version} to be signed by ${believed.map(([id]) => id).join(' or ') || `a key that ${keysFile} trusts for ${model}, which names none`}`;

  const found = signaturesOf((await readIndex(store, model))?.manifests ?? [], digest);
  const reasons: string[] = [];
  for (const { keyId, descriptor } of found.slice(0, signaturesLimit)) {
    const [, key] = believed.find(([id]) => id === keyId) ?? [];
    if (!key) {
      reasons.push(`${keyId} is not trusted for it`);
      continue;
    }
    const signature = await readSignature(store, locked, descriptor);
    if (signature && verify(null, signedPayload(locked), toPublicKey(key.publicKey), signature)) return;
    reasons.push(`the signature by ${keyId} is wrong`);
  }
  throw new GlowplugError('SIGNATURE_INVALID', `${wanted}; ${reasons.join(', ') || 'it is not signed'}`);
}
