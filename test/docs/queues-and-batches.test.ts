// The guide page "Queues and batches": its app is synthesised and run, its message is sent, and the answer is where it says.
// The same function then answers its URL and a direct invocation.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { cloudFolder } from '../../src/cli/cloud-folder.ts';
import { startLocalCloud } from '../../src/testing/index.ts';
import { root } from '../root.ts';
import { pageApp } from './page-app.ts';

const page = readFileSync(join(root, 'docs/guide/6-queues-and-batches.md'), 'utf8');

it('answers a queued message, its URL and a direct invocation, as docs/guide/6-queues-and-batches.md says', async () => {
  await using app = await pageApp(page);
  // As glowplug dev has it.
  await using cloud = await startLocalCloud({ root: app.root, folder: cloudFolder(app.root) });
  const { credentials, region, endpoint } = cloud;
  const jobs = cloud.queues.find(({ id }) => !id.includes('DeadLetters'));
  const send = (env: Readonly<Record<string, string | undefined>>) =>
    promisify(execFile)(process.execPath, ['send.ts'], { cwd: app.root, env });
  await expect(send({})).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^JOBS: .*\n$/m) });
  const [, exported = ''] = /^export (AWS_.*)$/m.exec(page) ?? [];
  const told = Object.fromEntries(exported.split(' ').map((each) => each.split('=')));
  expect(told).toMatchObject({ AWS_REGION: region, AWS_ENDPOINT_URL: 'http://127.0.0.1:9000' });
  const sent = await send({ ...told, AWS_ENDPOINT_URL: endpoint, JOBS: jobs?.url });
  const key = sent.stdout.trim();
  const Bucket = cloud.stores.find((name) => name.includes('results'));
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const read = () => client.send(new GetObjectCommand({ Bucket, Key: `results/${key}` })).catch(() => undefined);
  await expect.poll(read, { timeout: 30_000 }).toBeDefined();
  const result = await read();
  client.destroy();
  expect(result).toMatchObject({ ContentType: 'application/json', Metadata: { status: '200' } });
  const queued = JSON.parse((await result?.Body?.transformToString()) ?? '');

  const lengths = [5.1, 3.5, 1.4, 0.2];
  const tulip = cloud.function('tulip');
  const asked = await tulip.fetch('/', { method: 'POST', body: JSON.stringify({ lengths }) });
  expect(queued).toEqual({ probabilities: [expect.closeTo(0.997, 2), expect.any(Number), expect.any(Number)] });
  expect(await asked.json()).toEqual(queued);
  expect(await tulip.invoke({ lengths })).toEqual(queued);

  const headers = { prefer: 'respond-async' };
  const accepted = await tulip.fetch('/', { method: 'POST', headers, body: JSON.stringify({ lengths }) });
  expect(accepted.status).toBe(202);
  const location = accepted.headers.get('location') ?? '';
  await expect.poll(async () => (await tulip.fetch(location)).status, { timeout: 30_000 }).toBe(200);
  expect(await (await tulip.fetch(location)).json()).toEqual(queued);

  // Around it an event is past what Lambda carries.
  const body = JSON.stringify({ lengths }).padEnd(6 * 1024 * 1024);
  expect((await tulip.fetch('/', { method: 'POST', body })).status).toBe(413);
  const contentType = 'application/json';
  const offered = await tulip.fetch('/uploads', {
    method: 'POST',
    body: JSON.stringify({ bytes: body.length, contentType }),
  });
  const place = Object(await offered.json());
  expect((await fetch(place.url, { method: 'PUT', body, headers: place.headers })).status).toBe(200);
  const named = await tulip.fetch('/', { method: 'POST', headers: { 'x-glowplug-upload': place.upload } });
  expect(await named.json()).toEqual(queued);
}, 120_000);
