// Where captured records go: created once, without a right to read; and which requests of a function come there.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction } from '../../src/handler/define.ts';
import { json } from '../../src/handler/input.ts';
import type { CapturedRecord } from '../../src/quality/record.ts';
import { captureWriter } from '../../src/results/capture-writer.ts';
import type { S3Request } from '../../src/results/send.ts';
import { fakeHost } from '../handler/fake-host.ts';

const contract = {
  region: 'us-east-1',
  s3Endpoint: 'http://127.0.0.1:1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
};

/** Answers with these statuses in turn; 0 breaks the connection. */
function bucket(...statuses: number[]) {
  const asked: S3Request[] = [];
  const send = async (request: S3Request) => {
    asked.push(request);
    const status = statuses.shift() ?? 200;
    if (status === 0) throw new Error('socket hang up');
    return { status, headers: {}, body: new Uint8Array() };
  };
  return { asked, write: captureWriter('s3://kept/captured/spam', contract, send) };
}

it('creates an object once, and asks again after a broken connection', async () => {
  const { asked, write } = bucket(0, 503, 200);
  await write('2026-11-25/07/a.json', { requestId: 'a' });
  expect(asked.map(({ method, url, headers }) => [method, url.pathname, headers['if-none-match']])).toEqual(
    Array(3).fill(['PUT', '/kept/captured/spam/2026-11-25/07/a.json', '*']),
  );
});

it('takes one that is there for written, and reads nothing', async () => {
  const { asked, write } = bucket(412);
  await write('a.json', {});
  expect(asked.map(({ method }) => method)).toEqual(['PUT']);
});

it('says which place does not take it', async () => {
  await expect(bucket(403, 403, 403).write('a.json', {})).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: 'expected s3://kept/captured/spam to take a.json; it answered 403',
  });
  const none = captureWriter('s3://kept', { ...contract, credentials: undefined, credentialSource: undefined });
  await expect(none('a.json', {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

it('asks for the credentials of a restored snapshot, whose variables would be old', async () => {
  await using server = createServer((_request, response) => {
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    response.end(JSON.stringify({ AccessKeyId: 'FRESH', SecretAccessKey: 'b', Token: 't', Expiration }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const asked: S3Request[] = [];
  const write = captureWriter(
    's3://kept',
    { ...contract, credentials: undefined, credentialSource: { url: `http://127.0.0.1:${port}/`, token: 'x' } },
    async (request) => {
      asked.push(request);
      return { status: 200, headers: {}, body: new Uint8Array() };
    },
  );
  await write('a.json', {});
  expect(asked[0]?.headers['authorization']).toContain('Credential=FRESH/');
});

it('writes into a folder, where nothing is replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-capture-'));
  const write = captureWriter(folder, contract);
  await write('day/07/a.json', { n: 1 });
  await write('day/07/a.json', { n: 2 });
  await write('day/07/b.json', { n: 3 });
  expect(await readdir(join(folder, 'day/07'))).toEqual(['a.json', 'b.json']);
  await rm(folder, { recursive: true });
});

it('gets the requests of a function, at / and over the protocol, and not those that were refused', async () => {
  const written: CapturedRecord[] = [];
  const write = async (_key: string, record: CapturedRecord) => void written.push(record);
  const ask = async (fn: ReturnType<typeof defineFunction>, requestId: string, path: string, body: unknown) => {
    const request = new Request(`https://f.example${path}`, { method: 'POST', body: JSON.stringify(body) });
    return (await fn.fetch(request, createContext({ requestId, log: noLog }))).status;
  };
  const plain = defineFunction(
    {
      models: { m: 'doubler:1.0.0' },
      capture: { percent: 100, of: (_input, { outputs }) => ({ y: Number(outputs['y']?.data[0]) }) },
    },
    fakeHost().host,
    write,
  );
  const inputs = (x: number) => ({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [x, 0] }] });
  expect(await ask(plain, 'a', '/', inputs(1))).toBe(200);
  expect(await ask(plain, 'b', '/v2/models/doubler/infer', inputs(2))).toBe(200);
  expect(await ask(plain, 'c', '/v2/models/doubler/infer', {})).toBe(400);
  const own = defineFunction(
    {
      models: { m: 'doubler:1.0.0' },
      input: json(z.object({ n: z.number() })),
      predict: ({ n }) => n + 1,
      oip: true,
      capture: { percent: 100, of: ({ n }, more) => ({ n, more }) },
    },
    fakeHost().host,
    write,
  );
  expect(await ask(own, 'd', '/', { n: 3 })).toBe(200);
  // Tensors are not what this `of` was written for.
  expect(await ask(own, 'e', '/v2/models/doubler/infer', inputs(2))).toBe(200);
  expect(written.map(({ requestId, features }) => [requestId, features])).toEqual([
    ['a', { y: 2 }],
    ['b', { y: 4 }],
    ['d', { n: 3, more: 4 }],
  ]);
});
