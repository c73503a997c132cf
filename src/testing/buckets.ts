// Makes the template's buckets in the local S3, as a deployment does: what is there stays as it is.
import { AwsClient } from 'aws4fetch';
import type { Credentials } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';

export interface S3Place {
  readonly s3Endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
}

export async function createBucket(
  { s3Endpoint, region, credentials }: S3Place,
  bucket: { readonly name: string; readonly versioned: boolean },
): Promise<void> {
  const client = new AwsClient({ ...credentials, region, service: 's3', retries: 0 });
  const put = async (query: string, body = ''): Promise<void> => {
    const response = await client.fetch(`${s3Endpoint}/${bucket.name}${query}`, { method: 'PUT', body });
    const text = await response.text();
    if (response.ok || (response.status === 409 && text.includes('BucketAlreadyOwnedByYou'))) return;
    throw new GlowplugError('INTERNAL', `the local S3 refused bucket ${bucket.name}: ${response.status} ${text}`);
  };
  await put('');
  if (bucket.versioned) {
    await put('?versioning', '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
  }
}
