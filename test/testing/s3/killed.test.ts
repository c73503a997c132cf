// A local S3 server that is killed, and one that carries more than it may hold.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { clientOf } from './contract/endpoint.ts';
import { credentials } from './temporary-server.ts';

const Bucket = 'models';

describe('a local S3 server that is killed', () => {
  it('has after a restart what it had: objects, versions, settings, and uploads under way', async () => {
    await using folder = await temporaryFolder();
    const put = (s3: S3Client, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
    let UploadId: string | undefined;
    let first: string | undefined;
    {
      await using server = await serve(folder.path);
      await server.s3.send(new CreateBucketCommand({ Bucket }));
      await server.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
      first = (await put(server.s3, '1')).VersionId;
      await put(server.s3, '2');
      ({ UploadId } = await server.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'up' })));
      await server.kill();
    }
    await using server = await serve(folder.path);
    const read = async (VersionId?: string) =>
      (await server.s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId }))).Body!.transformToString();
    expect([await read(), await read(first)]).toEqual(['2', '1']);
    expect((await put(server.s3, '3')).VersionId).toBeDefined();
    const part = { Bucket, Key: 'up', UploadId, PartNumber: 1, Body: 'x' };
    await server.s3.send(new UploadPartCommand(part));
  });

  it('shows of each write that was under way the old state or the new one, and nothing is left over', async () => {
    const rounds = 6;
    await using folder = await temporaryFolder();
    const keys = Array.from({ length: 8 }, (_, i) => `key-${i}`);
    const body = (key: string, round: number) => `${key} ${round} `.repeat(20_000);
    const acknowledged = new Map<string, number>();
    for (let round = 1; round <= rounds; round++) {
      await using server = await serve(folder.path);
      if (round === 1) await server.s3.send(new CreateBucketCommand({ Bucket }));
      let done = 0;
      const writes = keys.map(async (Key) => {
        await server.s3.send(new PutObjectCommand({ Bucket, Key, Body: body(Key, round) }));
        acknowledged.set(Key, round);
        // In the middle of the others, at another point each round.
        if (++done === round) await server.kill();
      });
      await Promise.allSettled(writes);
    }
    await using server = await serve(folder.path);
    const { Contents = [] } = await server.s3.send(new ListObjectsV2Command({ Bucket }));
    for (const { Key } of Contents) {
      const got = await server.s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
      const text = await got.Body!.transformToString();
      const round = Number(text.split(' ')[1]);
      expect(text).toBe(body(Key!, round));
      expect(round).toBeGreaterThanOrEqual(acknowledged.get(Key!) ?? 0);
    }
    expect(Contents.map(({ Key }) => Key)).toEqual(expect.arrayContaining([...acknowledged.keys()]));
    await server.stop();
    expect(await readdir(join(folder.path, 'buckets', Bucket, 'data'))).toHaveLength(Contents.length);
    expect(await readdir(join(folder.path, 'tmp'))).toEqual([]);
    console.log(`s3: killed ${rounds} times with ${keys.length} writes under way`);
  });
});

describe('a local S3 server that carries much', () => {
  it('moves 300 MB in and out in much less memory', async () => {
    const megabytes = 300;
    await using folder = await temporaryFolder();
    await using server = await serve(folder.path);
    await server.s3.send(new CreateBucketCommand({ Bucket }));
    const block = Buffer.alloc(2 ** 20, 7);
    const Body = Readable.from(Array.from({ length: megabytes }, () => block));
    await server.s3.send(new PutObjectCommand({ Bucket, Key: 'big', Body, ContentLength: megabytes * 2 ** 20 }));
    const got = await server.s3.send(new GetObjectCommand({ Bucket, Key: 'big' }));
    let bytes = 0;
    if (got.Body instanceof Readable) for await (const chunk of got.Body) bytes += chunk.length;
    expect(bytes).toBe(megabytes * 2 ** 20);
    // Node itself takes 70 to 100 MB.
    expect((await server.stop()) / 1024).toBeLessThan(250);
  });
});

interface Served extends AsyncDisposable {
  readonly s3: S3Client;
  kill(): Promise<void>;
  /** Ends it in good order; its peak memory in KiB. */
  stop(): Promise<number>;
}

async function serve(folder: string): Promise<Served> {
  const { accessKeyId, secretAccessKey } = credentials;
  const child = fork(join(import.meta.dirname, 'server-process.ts'), [folder, accessKeyId, secretAccessKey], {
    execArgv: ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning'],
  });
  const [{ url }] = await once(child, 'message');
  const s3 = clientOf({ url, region: 'us-east-1', credentials });
  return {
    s3,
    kill: () => kill(child),
    stop: async () => {
      child.send('stop');
      const [{ peak }] = await once(child, 'message');
      return peak;
    },
    [Symbol.asyncDispose]: async () => {
      s3.destroy();
      await kill(child);
    },
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'glowplug-s3-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
