// Uploads that were cut off: what is there is gone on with, what is wrong is sent again, what nobody wants is removed.
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/models/manifest.ts';
import { prune } from '../../src/models/prune.ts';
import { readAll } from '../../src/models/read-all.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import type { Store } from '../../src/models/stores/store.ts';
import type { LocalFile } from '../../src/models/version.ts';
import { localFile } from '../models/local-file.ts';
import { clientOf } from '../testing/s3/contract/endpoint.ts';
import { bucket, credentials, type FaultyS3, faultyS3 } from './faulty-s3.ts';
import { testClock } from './test-clock.ts';

const key = 'm/blobs/sha256/weights';
/** Four parts of 8 MiB, the last one short. */
const size = 26_000_000;

describe('an upload in parts', () => {
  it('that was cut off sends the other parts alone when it goes on', async () => {
    await using file = await localFile(size);
    await using s3 = await faultyS3();
    const store = await open(s3);
    const leaver = new AbortController();
    let done = 0;
    const onBytes = () => void (++done === 2 && leaver.abort(new Error('killed')));
    await expect(store.upload(key, file.local, { signal: leaver.signal, onBytes })).rejects.toThrow('killed');
    expect(await store.head(key)).toBeUndefined();
    const there = await partsThere(s3);
    expect(there).toBeGreaterThanOrEqual(2);
    let [again, told] = [0, 0];
    s3.spoil((_, { url }) => void (isPart(url) && again++));
    await (await open(s3)).upload(key, file.local, { onBytes: (bytes) => (told += bytes) });
    // A part whose bytes were out may have arrived after we looked.
    expect(again).toBeLessThanOrEqual(4 - there);
    expect(told).toBe(size);
    expect(await digestIn(store)).toBe(file.local.digest);
  });

  it('that finds other bytes in a part sends them again, and is whole', async () => {
    await using file = await localFile(size);
    await using s3 = await faultyS3();
    const client = clientAt(s3);
    const at = { Bucket: bucket, Key: key };
    const kind = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at, ...kind }));
    const wrong = { ...at, UploadId, ChecksumAlgorithm: 'CRC32', Body: Buffer.alloc(8 * 1024 * 1024) } as const;
    await client.send(new UploadPartCommand({ ...wrong, PartNumber: 1 }));
    await client.send(new UploadPartCommand({ ...wrong, PartNumber: 9 }));
    client.destroy();
    const store = await open(s3);
    await store.upload(key, file.local);
    expect(await digestIn(store)).toBe(file.local.digest);
    for await (const left of store.unfinished('')) expect(left.key).toBe('nothing unfinished');
  });

  it('whose last answer was lost is known to have succeeded', async () => {
    await using file = await localFile(9_000_000);
    await using s3 = await faultyS3();
    let lost = 0;
    s3.spoil((_, { url, method }) => {
      return method === 'POST' && url?.includes('uploadId=') && lost++ === 0 ? 'reset before the answer' : undefined;
    });
    const store = await open(s3);
    await expect(store.upload(key, file.local)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    expect(await digestIn(store)).toBe(file.local.digest);
    expect(lost).toBe(2);
  });

  it('that nobody goes on with is removed by prune when it is old, not before', async () => {
    await using file = await localFile(9_000_000);
    await using s3 = await faultyS3();
    s3.spoil((_, { url }) => (isPart(url) ? 'AccessDenied' : undefined));
    const store = await open(s3);
    await expect(store.upload(key, file.local)).rejects.toMatchObject({ code: 'STORE_FORBIDDEN' });
    const now = Date.now();
    expect(await prune(store, 'm', { before: now - 60_000, remove: true })).toMatchObject({ uploads: 0 });
    expect(await prune(store, 'm', { before: now + 60_000, remove: false })).toMatchObject({ uploads: 1 });
    expect(await prune(store, 'm', { before: now + 60_000, remove: true })).toMatchObject({ uploads: 1 });
    expect(await prune(store, 'm', { before: now + 60_000, remove: true })).toMatchObject({ uploads: 0 });
  });
});

function open(s3: FaultyS3): Promise<Store> {
  const location = { bucket, prefix: '', region: 'us-east-1', endpoint: s3.url };
  return s3Store(location, { credentials, clock: testClock() });
}

function clientAt({ url }: FaultyS3): S3Client {
  return clientOf({ url, region: 'us-east-1', credentials });
}

async function partsThere(s3: FaultyS3): Promise<number> {
  const client = clientAt(s3);
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  const { Parts } = await client.send(
    new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: Uploads?.[0]?.UploadId }),
  );
  client.destroy();
  return Parts?.length ?? 0;
}

function isPart(url = ''): boolean {
  return url.includes('partNumber=');
}

async function digestIn(store: Store): Promise<LocalFile['digest']> {
  const found = await store.get(key);
  return digestOf(await readAll(found!.body, size, key));
}
