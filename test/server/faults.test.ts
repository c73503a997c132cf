// What networks, devices, disks and stores do to a server: half of a connection, thousands that say nothing, no memory, no store.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { AttributeProto_AttributeType as Attribute, TensorProto_DataType as Type } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import iris from '../../models/iris.ts';
import { readContract } from '../../src/core/contract.ts';
import { publish } from '../../src/models/publish.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { tag } from '../../src/models/tag.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import { loadUnits } from '../../src/server/load-units.ts';
import { prepare } from '../../src/server/prepare.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { startS3Server } from '../../src/testing/s3/server.ts';
import { disk } from '../full-disk.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';
import { root } from '../root.ts';
import { long } from '../runs.ts';
import { busyModel } from '../session/busy-model.ts';
import { rawSocket, readAll } from './raw-request.ts';
import { isAlive, serveProcess, watchReadiness } from './serve-process.ts';
import { echo, metric, patient, start } from './start-server.ts';
import { handler } from './supervised.ts';

vi.mock('node:fs', async (original) => {
  const { onFullDisk } = await import('../full-disk.ts');
  return onFullDisk(await original<typeof import('node:fs')>());
});

const flower = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }] });

describe('connections', () => {
  it('half-closed after its request, a client has what is answered at once, and no more; half-closed within it, it holds nothing', async () => {
    const left = Promise.withResolvers<void>();
    const { server } = await start(async (request, given) => {
      if (!request.url.endsWith('/slow')) return await echo(request, given);
      given.signal.addEventListener('abort', () => left.resolve());
      await left.promise;
      return new Response();
    });
    const inFlight = () => metric(server.port, 'glowplug_requests_in_flight');
    const slow = await rawSocket(server.port);
    slow.end('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await readAll(slow)).toBe('');
    await left.promise;
    const answers = Array.from({ length: 50 }, async (_, at) => {
      const socket = await rawSocket(server.port);
      const all = readAll(socket);
      socket.end(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n${String(at).padStart(4)}`);
      return (await all).endsWith(String(at).padStart(4));
    });
    expect(await Promise.all(answers)).toEqual(Array(50).fill(true));
    const cut = Array.from({ length: 50 }, async () => {
      const socket = await rawSocket(server.port);
      const all = readAll(socket);
      socket.end('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nonly this');
      return await all;
    });
    for (const text of await Promise.all(cut)) expect(text).not.toMatch(/^HTTP\/1.1 200/);
    await expect.poll(inFlight, patient).toBe(1);
    console.log('half-closed sockets: 50 of 50 answered after a whole request, 0 of 50 left open within one');
  });

  it('100 that send byte by byte are told 408, 50 that read bit by bit get all, and nobody else waits for them', async () => {
    const large = new Uint8Array(2e6);
    const { server, post } = await start(
      async (request) => new Response(new URL(request.url).pathname === '/large' ? large : await request.arrayBuffer()),
      { limits: { headersMs: 2000, receiveMs: 2000 } },
    );
    const senders = Array.from({ length: 100 }, async () => {
      const socket = await rawSocket(server.port);
      const all = readAll(socket);
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n');
      const dripping = setInterval(() => socket.write('.'), 20);
      return await all.finally(() => clearInterval(dripping));
    });
    const readers = Array.from({ length: 50 }, async () => {
      const socket = await rawSocket(server.port);
      socket.write('GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      let bytes = 0;
      for await (const part of socket) {
        bytes += part.length;
        await new Promise((later) => setTimeout(later, 5));
      }
      return bytes > large.length;
    });
    const quick = await Promise.all(Array.from({ length: 200 }, async (_, at) => (await post('/', `${at}`)).text()));
    expect(quick).toEqual(Array.from({ length: 200 }, (_, at) => `${at}`));
    for (const text of await Promise.all(senders)) expect(text).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"REQUEST_SLOW"/);
    expect(await Promise.all(readers)).toEqual(Array(50).fill(true));
    console.log(
      'slow clients: 100 of 100 senders told 408, 50 of 50 readers answered whole, 200 of 200 others beside them',
    );
  });

  const many = long ? 10_000 : 1_000;
  it(`${many} connections that say nothing cost some KB each and keep nobody from being answered`, async ({ skip }) => {
    const files = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim());
    if (files < many + 500) skip(`${many} connections need ${many + 500} open files, the limit is ${files}`);
    const { server, post } = await start(echo);
    await (await post('/', 'warm')).text();
    const before = process.memoryUsage.rss();
    // Another process: its half of them is not the server's to pay for.
    const args = ['-e', idleClients, `${server.port}`, `${many}`];
    const clients = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [said] = await once(clients.stdout, 'data');
      expect(`${said}`).toBe('open');
      const kilobytes = Math.round((process.memoryUsage.rss() - before) / many / 1024);
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, at) => (await post('/', `${at}`)).text()),
      );
      expect(answers).toEqual(Array.from({ length: 200 }, (_, at) => `${at}`));
      expect(kilobytes).toBeLessThan(100);
      const exit = once(clients, 'exit');
      clients.stdin.end();
      const [code] = await exit;
      // It counts those that the server closed.
      expect(code).toBe(0);
      console.log(
        `idle connections: ${many}, about ${kilobytes} KB of RSS each, 200 of 200 requests answered, none closed`,
      );
    } finally {
      clients.kill('SIGKILL');
    }
  });
});

/** Opens so many sockets, 100 at once, says so, and keeps them until its input ends; its exit code is how many were closed, at most 99. */
const idleClients = `
const { connect } = require('node:net');
const [port, many] = process.argv.slice(1).map(Number);
let left = many, open = 0, closed = 0, ended = false;
const next = () => {
  if (left-- <= 0) return;
  const socket = connect(port, '127.0.0.1', () => { if (++open === many) process.stdout.write('open'); next(); });
  socket.on('error', () => {});
  socket.on('close', () => { if (!ended) closed++; });
};
for (let i = 0; i < 100; i++) next();
process.stdin.on('end', () => { ended = true; process.exit(Math.min(closed, 99)); }).resume();
`;

describe('a device without memory', () => {
  it('is 507 for who asked for too much; who asks beside and after is answered', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-device-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const file = join(folder, 'zeros.onnx');
    // n INT64 [1] → the sum of n zeros. 2^45 of them are 128 TiB, which no machine has: onnxruntime's own allocation fails.
    const zeros = {
      input: [value('n', [1], Type.INT64)],
      output: [value('y', [])],
      node: [
        { opType: 'ConstantOfShape', input: ['n'], output: ['zeros'] },
        {
          opType: 'ReduceSum',
          input: ['zeros'],
          output: ['y'],
          attribute: [{ name: 'keepdims', type: Attribute.INT, i: 0n }],
        },
      ],
    };
    await writeFile(file, bytesOf(tinyGraph(zeros)));
    const contract = readContract({ GLOWPLUG_CACHE: join(folder, 'cache') });
    const { units } = await prepare({ targets: [file], models: [] }, contract, folder);
    const { post } = await start(loadUnits(units, { contract, createSession: createWorkerSession, bodyBytes: 1e6 }));
    const ask = async (n: number) => {
      const body = JSON.stringify({ inputs: [{ name: 'n', shape: [1], datatype: 'INT64', data: [n] }] });
      const response = await post('/v2/models/zeros/infer', body);
      return [response.status, Object(await response.json()).code];
    };
    // Its arena has a first region then: without one, onnxruntime would make the next as large as what it was refused.
    expect(await ask(100)).toEqual([200, undefined]);
    const asked = Array.from({ length: 30 }, (_, at) => (at % 10 === 0 ? 2 ** 45 : at));
    const answers = await Promise.all(asked.map(ask));
    expect(answers).toEqual(asked.map((n) => (n === 2 ** 45 ? [507, 'DEVICE_MEMORY'] : [200, undefined])));
    expect(await ask(3)).toEqual([200, undefined]);
    console.log('no device memory: 3 of 30 requests 507, 27 of 27 beside them answered');
  });
});

/** A run of `n` rounds; its status, and the code of what failed. */
async function askBusy(url: string, n: number) {
  const x = { name: 'x', shape: [64, 64], datatype: 'FP32', data: new Array(4096).fill(0.1) };
  const body = JSON.stringify({ inputs: [{ name: 'n', shape: [1], datatype: 'INT64', data: [n] }, x] });
  const response = await fetch(`${url}/v2/models/busy/infer`, { method: 'POST', body });
  return [response.status, Object(await response.json()).code];
}

describe('the serving process', () => {
  it('killed while 50 wait: each is answered at once, readiness drops, and service is back on the same port', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-killed-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const file = join(folder, 'busy.onnx');
    await writeFile(file, busyModel());
    await using serving = serveProcess([file]);
    const first = await serving.ready();
    const readiness = watchReadiness(first.url);
    const { port } = new URL(first.url);
    const waiting = Promise.all(Array.from({ length: 50 }, () => askBusy(first.url, 1e6)));
    await expect.poll(() => metric(Number(port), 'glowplug_requests_in_flight'), patient).toBeGreaterThanOrEqual(51);
    process.kill(first.pid, 'SIGKILL');
    const killed = performance.now();
    // The supervisor holds their connections too.
    expect(await waiting).toEqual(Array(50).fill([503, 'SESSION_LOST']));
    const told = Math.round(performance.now() - killed);
    const second = await serving.ready();
    expect([second.url, second.pid === first.pid]).toEqual([first.url, false]);
    expect(await askBusy(second.url, 1)).toEqual([200, undefined]);
    expect(await readiness.seen()).toEqual(['ready', 'not ready', 'ready']);
    console.log(`killed while 50 waited: 50 of 50 told 503 within ${told} ms, service back by itself`);
  });

  it('ends when its supervisor is killed, whatever a function does to its event loop, or a model to its threads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-orphan-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const hung = join(folder, 'hung');
    const hangs = `require('node:fs').writeFileSync(${JSON.stringify(hung)}, ''); for (;;);`;
    await writeFile(
      join(folder, 'index.js'),
      handler(`if (request.url.endsWith('/hang')) { ${hangs} } return new Response();`),
    );
    await writeFile(join(folder, 'busy.onnx'), busyModel());
    await using inCode = serveProcess([folder, '--drain', '0']);
    await using inRun = serveProcess([join(folder, 'busy.onnx'), '--drain', '0']);
    const [code, run] = await Promise.all([inCode.ready(), inRun.ready()]);
    onTestFinished(() => {
      for (const { pid } of [code, run]) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    const asked = Promise.allSettled([fetch(`${code.url}/hang`), askBusy(run.url, 1e9)]);
    await expect.poll(() => existsSync(hung), patient).toBe(true);
    await expect.poll(() => metric(Number(new URL(run.url).port), 'glowplug_requests_in_flight'), patient).toBe(2);
    for (const { child } of [inCode, inRun]) child.kill('SIGKILL');
    await expect.poll(() => [code, run].filter(({ pid }) => isAlive(pid)), { timeout: 15_000 }).toEqual([]);
    await asked;
  });
});

describe('disks and stores', () => {
  const credentials = { accessKeyId: 'AKIDFAULTS', secretAccessKey: 'not-a-secret' };
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-faults-'));
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  /** An S3 of the test's own that holds iris:prod, and the environment that names it. */
  async function publishedS3(name: string) {
    const s3 = await startS3Server({ folder: join(folder, name), credentials });
    const env = {
      GLOWPLUG_STORE: 's3://models',
      GLOWPLUG_CACHE: join(folder, `${name}-cache`),
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
    const client = new S3Client({ endpoint: s3.url, region: 'us-east-1', credentials, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'models' }));
    client.destroy();
    const store = await openStore(readContract(env));
    await publish(store, await buildVersion(iris, root));
    await tag(store, 'iris', { from: '1.0.0', to: 'prod' });
    return { s3, env };
  }

  it('S3 gone while serving: requests are answered, and so they are by the process that replaces a dead one', async () => {
    const { s3, env } = await publishedS3('gone');
    await using serving = serveProcess(['--model', 'iris:prod'], env);
    const { url, pid } = await serving.ready();
    const ask = async (at: string) =>
      (await fetch(`${at}/v2/models/iris/infer`, { method: 'POST', body: flower })).status;
    expect(await ask(url)).toBe(200);
    await s3[Symbol.asyncDispose]();
    const during = await Promise.all(Array.from({ length: 50 }, () => ask(url)));
    expect(during).toEqual(Array(50).fill(200));
    process.kill(pid, 'SIGKILL');
    const { url: after } = await serving.ready();
    expect(await ask(after)).toBe(200);
    console.log('S3 gone: 50 of 50 requests answered, and 1 of 1 by the next process');
  });

  it('a full disk: a model that is fetched on demand is 507 DISK_FULL, the others go on, and so does it when there is room', async () => {
    const { s3, env } = await publishedS3('full');
    await using _s3 = s3;
    const contract = readContract(env);
    const own = await mkdtemp(join(folder, 'served-'));
    const local = join(root, 'models/iris/iris.onnx');
    const stored = await prepare({ targets: [], models: ['iris:prod'], onDemand: true }, contract, own);
    const file = await prepare({ targets: [local], models: [] }, contract, own);
    const host = { contract, createSession: createOrtSession, bodyBytes: 1e6 };
    const one = await start(loadUnits(stored.units, host));
    const other = await start(
      loadUnits(file.units, { ...host, contract: { ...contract, cacheDir: join(own, 'files') } }),
    );
    const ask = async ({ post }: typeof one) => {
      const response = await post('/v2/models/iris/infer', flower);
      return [response.status, Object(await response.json()).code];
    };
    expect(await ask(other)).toEqual([200, undefined]);
    disk.full = true;
    try {
      expect(await ask(one)).toEqual([507, 'DISK_FULL']);
      expect(await ask(other)).toEqual([200, undefined]);
      expect(await ask(one)).toEqual([507, 'DISK_FULL']);
    } finally {
      disk.full = false;
    }
    expect(await ask(one)).toEqual([200, undefined]);
  });
});
