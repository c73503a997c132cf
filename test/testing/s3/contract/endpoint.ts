// What the contract suite needs to know of the S3 server it is run against, and the small tools that its parts share.
import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { afterAll, beforeAll } from 'vitest';

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The suite's own client and a bucket that no other part uses. */
export interface Bench {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly endpoint: Endpoint;
  /** A bucket of a test's own. */
  newBucket(): Promise<string>;
}

/** Opens the endpoint before the tests of the enclosing describe, and ends it behind them. */
export function useBench(open: () => Promise<Endpoint>): () => Bench {
  let bench: Bench | undefined;
  beforeAll(async () => {
    const endpoint = await open();
    const s3 = clientOf(endpoint);
    const newBucket = async () => {
      const Bucket = `glowplug-${randomUUID()}`;
      await s3.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    };
    bench = { s3, endpoint, newBucket, bucket: await newBucket() };
  });
  afterAll(async () => {
    bench?.s3.destroy();
    await bench?.endpoint[Symbol.asyncDispose]();
  });
  return () => bench!;
}

export function clientOf({ url, region, credentials }: Pick<Endpoint, 'url' | 'region' | 'credentials'>): S3Client {
  return new S3Client({ endpoint: url, region, credentials, forcePathStyle: true, maxAttempts: 1 });
}

/** `412 PreconditionFailed`: what the SDK makes of a refusal. */
export async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof S3ServiceException) return `${error.$metadata.httpStatusCode} ${error.name}`;
    throw error;
  }
  return 'no refusal';
}

/** Bytes that compress to nothing and differ at every offset; the same ones each time. */
export function bytes(length: number, seed = 1): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = 0, x = seed; i < length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    out[i] = x >>> 16;
  }
  return out;
}
