// What a first request loads, of itself: a process of the local cloud, with AWS's runtime client and the layer, is asked.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundleFunction } from '../../src/build/bundle-function.ts';
import { root } from '../root.ts';
import { harness, where } from '../testing/runtime/harness.ts';

/** KB. */
const most = 120;

/** Answers as the function does, and tells which files this process has loaded. */
const probe = `
import { createRequire } from 'node:module';
import { handler as own } from './init.mjs';
const { cache } = createRequire(import.meta.url);
export const handler = async (event, context) => {
  const answer = await own(event, context);
  const loaded = Object.keys(cache);
  const files = loaded.filter((path) => path.startsWith(import.meta.dirname));
  const packages = loaded.flatMap((path) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return { answer, own: files.map((path) => path.slice(import.meta.dirname.length + 1)), packages: [...new Set(packages)] };
};`;

const flower = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };
const tensors = JSON.stringify({
  inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }],
});
const setosa = { statusCode: 200, body: expect.stringContaining('"class":"setosa"') };

describe('the first request', () => {
  it('of a function that takes JSON loads 120 KB at most, onnxruntime and nothing else', async () => {
    await using cloud = await probed('iris', join(root, 'functions/iris/function.ts'));
    const { answer, own, packages } = await cloud.ask(post('/', JSON.stringify(flower)));
    expect(answer).toMatchObject(setosa);
    expect(own).toEqual(['start.js', 'index.js']);
    expect(packages.filter((name) => !/^(onnxruntime-(node|common)|aws-lambda-ric)$/.test(name))).toEqual([]);
    const kb = (file: string) => Math.round(statSync(join(cloud.path, file)).size / 1000);
    const loaded = kb('start.js') + kb('index.js');
    console.log(
      `iris: a first request loads ${loaded} KB, ${kb('start.js')} of which ask for the model; ${kb('later.js')} KB lie beside`,
    );
    expect(loaded).toBeLessThanOrEqual(most);
  });

  it.each([
    ['the Open Inference Protocol', post('/v2/models/iris/infer', tensors), { statusCode: 200 }],
    [
      'its refusals',
      post('/v2/models/none/infer', tensors),
      { statusCode: 404, body: expect.stringContaining('MODEL_NOT_FOUND') },
    ],
    ['a record of a queue', record(JSON.stringify(flower)), { batchItemFailures: [] }],
    ['models whose requests meet, and captures', post('/', JSON.stringify(flower)), setosa],
  ])('that needs %s loads the other file', async (_what, event, expected) => {
    await using cloud = await probed('all', join(import.meta.dirname, 'fixtures/all-of-it/function.ts'));
    const { answer, own } = await cloud.ask(event);
    expect(answer).toMatchObject(expected);
    expect(own).toEqual(['start.js', 'index.js', 'later.js']);
    const twice = await cloud.ask(event);
    expect(twice.answer).toMatchObject(expected);
    if ('Records' in event) expect(cloud.written).toContainEqual(expect.stringMatching(/^PUT .*results/));
    if ('rawPath' in event && event.rawPath === '/')
      expect(cloud.written).toContainEqual(expect.stringMatching(/^PUT .*captured/));
  });
});

it('each part of the other file loads by itself, whatever was asked for first', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-parts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { path } = bundleFunction({
    entry: join(root, 'functions/iris/function.ts'),
    root,
    outDir: join(folder, 'iris'),
  });
  const load = `const part = require(process.argv[1])[process.argv[2]](); console.log(Object.keys(part).length)`;
  const names: string[] = Object.keys(createRequire(import.meta.url)(join(path, 'later.js')));
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) {
    const told = execFileSync(process.execPath, ['-e', load, join(path, 'later.js'), name], { encoding: 'utf8' });
    expect(Number(told), name).toBeGreaterThan(0);
  }
});

async function probed(name: string, entry: string) {
  const blobs = new Map(
    ['iris.onnx', 'labels.txt'].map((file) => {
      const bytes = readFileSync(join(root, 'models/iris', file));
      return [createHash('sha256').update(bytes).digest('hex'), bytes] as const;
    }),
  );
  const written: string[] = [];
  const s3 = createServer((request, response) => {
    request.resume();
    if (request.method === 'PUT') {
      written.push(`PUT ${request.url}`);
      response.end();
    } else {
      const bytes = blobs.get(request.url?.split('/').at(-1) ?? '');
      const length = bytes?.length ?? 0;
      const status = bytes ? (request.headers.range ? 206 : 200) : 404;
      const whole = status === 206 ? { 'content-range': `bytes 0-${length - 1}/${length}` } : {};
      response.writeHead(status, { etag: '"1"', 'content-length': length, ...whole }).end(bytes);
    }
  });
  s3.listen(0, '127.0.0.1');
  await once(s3, 'listening');
  const s3Endpoint = `http://127.0.0.1:${(s3.address() as AddressInfo).port}`;
  const fleet = harness({ where: { ...where, s3Endpoint } });
  const { path } = bundleFunction({ entry, root, outDir: join(fleet.folder, 'built', name) });
  const layer = join(fleet.folder, 'layer');
  mkdirSync(join(layer, 'nodejs/node_modules'), { recursive: true });
  for (const each of ['onnxruntime-node', 'onnxruntime-common']) {
    symlinkSync(join(root, 'node_modules', each), join(layer, 'nodejs/node_modules', each));
  }
  cpSync(path, join(fleet.folder, name), { recursive: true });
  const fn = fleet.add(
    { 'probe.mjs': probe },
    {
      name,
      handler: 'probe.handler',
      memoryMb: 1024,
      timeoutMs: 60_000,
      layers: [layer],
      environment: {
        GLOWPLUG_STORE: 's3://models',
        GLOWPLUG_RESULTS: 's3://results',
        // iris captures a share of its requests, by their ids, and what captures is in the other file.
        ...(name === 'iris' ? {} : { GLOWPLUG_CAPTURE: 's3://captured' }),
      },
    },
  );
  return {
    path,
    written,
    ask: async (event: object) => await fn.value<{ answer: unknown; own: string[]; packages: string[] }>(event),
    async [Symbol.asyncDispose]() {
      await fleet[Symbol.asyncDispose]();
      s3.closeAllConnections();
      s3.close();
    },
  };
}

function post(rawPath: string, body: string) {
  const headers = { 'content-type': 'application/json' };
  return { version: '2.0', rawPath, headers, requestContext: { http: { method: 'POST' } }, body };
}

function record(body: string) {
  const eventSourceARN = 'arn:aws:sqs:eu-west-1:000000000000:jobs';
  const about = { messageId: 'one', eventSource: 'aws:sqs', eventSourceARN, attributes: {}, messageAttributes: {} };
  return { Records: [{ ...about, body }] };
}
