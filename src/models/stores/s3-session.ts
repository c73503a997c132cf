// One client of one place in S3, and how patient it is: what the store and its uploads share.
import type { S3Client } from '@aws-sdk/client-s3';
import { systemClock } from '../../core/clock.ts';
import type { Credentials } from '../../core/contract.ts';
import { type Patience, retry } from './retry.ts';
import { failure, mayPass } from './s3-failure.ts';
import { objectKey, type S3Location } from './s3-location.ts';

export interface S3StoreOptions extends Partial<Patience> {
  readonly credentials?: Credentials;
  readonly client?: S3Client;
  /** Longest silence of a connection, in ms. */
  readonly silenceMs?: number;
}

export type S3Session = Awaited<ReturnType<typeof s3Session>>;

export async function s3Session(location: S3Location, options: S3StoreOptions) {
  const sdk = await import('@aws-sdk/client-s3');
  const { credentials, clock = systemClock, random = Math.random, silenceMs = 15_000 } = options;
  const { bucket, region, endpoint } = location;
  const client =
    options.client ??
    new sdk.S3Client({
      region,
      // Every retry is ours, so that one deadline holds for all of them.
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 5_000, socketTimeout: silenceMs },
      ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
      ...(credentials ? { credentials } : {}),
    });
  return {
    sdk,
    client,
    location,
    clock,
    at: (key: string) => ({ Bucket: bucket, Key: objectKey(location, key) }),
    /** Without the prefix of the store. */
    keyOf: (name: string) => name.slice(objectKey(location, '').length),
    asking: <T>(work: () => Promise<T>, signal?: AbortSignal) => retry(work, mayPass, { clock, random }, signal),
    failed: (error: unknown, key: string, signal?: AbortSignal) => failure(location, error, key, signal),
  };
}

export function within(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}
