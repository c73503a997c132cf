// The store that the contract names, to publish to.
import type { Contract } from '../../core/contract.ts';
import { parseS3Url } from './s3-location.ts';
import type { Store } from './store.ts';

/**
 * Credentials of the contract, else those that the AWS SDK finds (profile, SSO, role). `variable` is where the store was named.
 *
 * @throws GlowplugError CONFIG_INVALID
 */
export async function openStore(
  contract: Pick<Contract, 'store' | 'region' | 's3Endpoint' | 'credentials'>,
  variable?: string,
): Promise<Store> {
  const place = parseS3Url(contract.store, variable);
  if (!place) {
    const { folderStore } = await import('./folder.ts');
    return folderStore(contract.store);
  }
  const { region, s3Endpoint: endpoint, credentials } = contract;
  const { s3Store } = await import('./s3.ts');
  return s3Store({ ...place, region, endpoint }, credentials ? { credentials } : {});
}
