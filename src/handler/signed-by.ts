// What a function that follows a channel believes: versions that the keys of the app signed, no lower than their floors.
import type { ReadableStore } from '../models/stores/store.ts';
import { checkTrustedKeys } from '../models/trusted-keys.ts';
import { verifySigned } from '../models/verify-signed.ts';
import type { LockedVersion } from '../models/version.ts';

/**
 * From what models.keys.json holds. Rejects with SIGNATURE_INVALID or BELOW_FLOOR for a version that must not be loaded.
 *
 * @throws GlowplugError CONFIG_INVALID at once when the keys cannot be read
 * @example
 * import keys from '../../models.keys.json' with { type: 'json' };
 * const use = { model: 'ppocr-rec:prod', follow: { every: 60, verify: signedBy(keys) } };
 */
export function signedBy(keys: unknown): (store: ReadableStore, version: LockedVersion) => Promise<void> {
  const trusted = checkTrustedKeys(keys);
  return (store, version) => verifySigned(store, version, trusted);
}
