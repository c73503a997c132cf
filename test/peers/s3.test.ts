// The contract of S3, which our own server keeps, against an independent server: versitygw (Go), on a folder.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeEach, describe, it } from 'vitest';
import { openReader } from '../../src/models/stores/open.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { freePort } from '../free-port.ts';
import { storeContract } from '../models/store-contract.ts';
import { clientOf, type Endpoint } from '../testing/s3/contract/endpoint.ts';
import { s3Contract } from '../testing/s3/contract/suite.ts';
import { goPeer } from './installed.ts';

const peer = await goPeer('github.com/versity/versitygw/cmd/versitygw', 'v1.8.0');

/** Test → how versitygw answers it otherwise than S3 documents it. Our store rests on none of them but the marked one. */
const differences: Readonly<Record<string, string>> = {
  'the key ends/ is taken as it is': 'a key that ends with a slash is a folder to it, and holds no bytes',
  'DeleteObjects deletes many at once and names them, unless it is asked to be quiet': 'it names them also when quiet',
  'If-Modified-Since and If-Unmodified-Since compare with the time of the write':
    'it compares with the nanoseconds of the file, so the very second that it told is not 304',
  'a list with a wrong order, a wrong ETag, or a small part that is not the last is refused':
    'it looks at sizes before the order: EntityTooSmall for InvalidPartOrder',
  'CRC32 of a stream comes in a trailer':
    'it keeps to 8 KiB as the least chunk, which the SDK does not for a small stream',
  'SHA256 of a stream comes in a trailer': 'the same',
  'a delete marker counts as absent for If-None-Match: *':
    'it refuses to create over a delete marker: after a prune of a versioned bucket the same blob could not be published again (S3 lets it)',
  'uploads the same file five times at once, and one of them makes it':
    'it looks whether the key is there before it completes an upload, not while: of five at once two may make it, with the same bytes',
  'versions are listed in pages': 'a page of one version has no end: its markers do not go on',
  'a wrong secret is 403 SignatureDoesNotMatch, an unknown key id 403 InvalidAccessKeyId':
    'an unknown key id is 404 XAdminUserNotFound',
};

if ('missing' in peer) {
  it.skip(`versitygw: ${peer.missing}`, () => {});
} else {
  describe('versitygw', () => {
    const skipped: string[] = [];
    beforeEach(({ task, skip }) => {
      const why = differences[task.name];
      if (why === undefined) return;
      skipped.push(`${task.name}: ${why}`);
      skip(why);
    });
    afterAll(() => console.log(`versitygw differs in ${skipped.length}:\n${skipped.join('\n')}`));

    s3Contract('versitygw', () => serve(peer.path));
    storeContract('versitygw', async () => {
      const endpoint = await serve(peer.path);
      const client = clientOf(endpoint);
      await client.send(new CreateBucketCommand({ Bucket: 'models' }));
      client.destroy();
      const { url, region, credentials } = endpoint;
      const contract = { store: 's3://models/some/prefix', region, s3Endpoint: url, credentials };
      return {
        store: await openStore(contract),
        reader: await openReader(contract),
        [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
      };
    });
  });
}

async function serve(binary: string): Promise<Endpoint> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-versitygw-'));
  for (const name of ['data', 'versions']) await mkdir(join(folder, name));
  const credentials = { accessKeyId: 'AKIDPEER', secretAccessKey: 'not-a-secret' };
  const port = await freePort();
  const options = ['--port', `127.0.0.1:${port}`, '--access', credentials.accessKeyId, '--quiet', '--keep-alive'];
  const backend = ['posix', '--versioning-dir', join(folder, 'versions')];
  const child = spawn(binary, [...options, '--secret', credentials.secretAccessKey, ...backend, join(folder, 'data')], {
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 1; ; attempt++) {
    if (await fetch(url).catch(() => undefined)) break;
    if (attempt === 100 || child.exitCode !== null) throw new Error(`versitygw did not answer at ${url}`);
    await sleep(100);
  }
  return {
    url,
    region: 'us-east-1',
    credentials,
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
