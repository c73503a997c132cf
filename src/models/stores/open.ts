// The store that the contract names, to read from. What writes is in open-store.ts, which brings the AWS SDK along.
import type { Contract, Credentials } from '../../core/contract.ts';
import { GlowplugError } from '../../core/errors.ts';
import { parseS3Url } from './s3-location.ts';
import { s3Reader } from './s3-reader.ts';
import type { ReadableStore } from './store.ts';

/** @throws GlowplugError CONFIG_INVALID, STORE_FORBIDDEN when S3 is named and there are no credentials. */
export async function openReader(
  contract: Pick<Contract, 'store' | 'region' | 's3Endpoint' | 'credentials' | 'credentialSource'>,
): Promise<ReadableStore> {
  const place = parseS3Url(contract.store);
  if (!place) {
    const { folderStore } = await import('./folder.ts');
    return folderStore(contract.store);
  }
  const { region, s3Endpoint: endpoint, credentialSource } = contract;
  let credentials: Credentials | (() => Promise<Credentials>) | undefined = contract.credentials;
  if (credentialSource) {
    const { containerCredentials } = await import('./container-credentials.ts');
    credentials = containerCredentials(credentialSource);
  }
  if (!credentials) {
    throw new GlowplugError('STORE_FORBIDDEN', `expected credentials for ${contract.store}, found none`, {
      remedy: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (Lambda does), or let GLOWPLUG_STORE name a folder.',
    });
  }
  return s3Reader({ ...place, region, endpoint }, { credentials });
}
