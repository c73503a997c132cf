// One function as glowplug makes it, deployed with and without `streaming`: its URL, a direct invocation and a queue's
// event are answered in both. Which of the two it is, only the template says.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RestEvent, RestResult } from '../../src/adapters/api-gateway.ts';
import { trySamples } from '../../src/ops/golden/try-samples.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { root } from '../root.ts';
import { type TestApp, testApp } from './app.ts';

const source = `
  import { existsSync } from 'node:fs';
  import { GlowplugError, inference, stream } from './src/index.ts';
  export const handler = inference({
    input: { kind: 'custom', decode: async (request) => await request.json() },
    async *predict({ count, fail, hang, hurt, gate }, _models, { signal }) {
      if (fail === 0) throw new GlowplugError('INPUT_SCHEMA', 'expected a count');
      for (let at = 1; at <= count; at++) {
        if (at === fail) throw new Error('a secret');
        if (at === hang) await new Promise(() => {});
        if (at === hurt) process.exit(9);
        yield { at };
        while (gate && !existsSync(gate)) await new Promise((next) => setTimeout(next, 5));
      }
    },
    encode: stream('lines'),
  }).use({ after: ({ response }) => { if (response?.headers) response.headers['x-middy'] = 'was here'; } });`;

describe.each(['streaming', 'buffered'])('a %s function', (mode) => {
  let app: TestApp;
  let cloud: LocalCloud;
  beforeAll(async () => {
    app = testApp({});
    const streams = mode === 'streaming';
    app.write('count', await bundle(), {
      Timeout: 2,
      url: { AuthType: 'AWS_IAM', InvokeMode: streams ? 'RESPONSE_STREAM' : 'BUFFERED' },
      Environment: { Variables: streams ? { GLOWPLUG_STREAMING: '1' } : {} },
    });
    cloud = await startLocalCloud({ root: app.root });
  }, 30_000);
  afterAll(async () => {
    await cloud[Symbol.asyncDispose]();
    app[Symbol.dispose]();
  });
  const post = (input: object) => cloud.function('count').fetch('/', { method: 'POST', body: JSON.stringify(input) });

  it('answers its URL, line by line or at once', async () => {
    const gate = join(app.root, 'gate');
    const open = () => writeFileSync(gate, '');
    if (mode === 'buffered') open();
    const response = await post({ count: 3, gate });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(response.headers.get('x-middy')).toBe('was here');
    const reader = response.body!.getReader();
    const first = Buffer.from((await reader.read()).value!).toString();
    expect(first).toBe(mode === 'streaming' ? '{"at":1}\n' : '{"at":1}\n{"at":2}\n{"at":3}\n');
    open();
    let rest = '';
    for (let next = await reader.read(); !next.done; next = await reader.read()) rest += Buffer.from(next.value);
    expect(first + rest).toBe('{"at":1}\n{"at":2}\n{"at":3}\n');
  });

  it('refuses with a status what fails before the first part, and in the stream what fails later', async () => {
    const refused = await post({ count: 3, fail: 0 });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'INPUT_SCHEMA' }]);
    const broken = await (await post({ count: 3, fail: 2 })).text();
    expect(broken.split('\n')[0]).toBe('{"at":1}');
    expect(JSON.parse(broken.split('\n')[1]!)).toMatchObject({ code: 'INTERNAL' });
    expect(broken).not.toContain('secret');
  });

  it('says in the stream that the deadline came, before Lambda ends the process', async () => {
    const lines = (await (await post({ count: 3, hang: 2 })).text()).trim().split('\n');
    expect(lines[0]).toBe('{"at":1}');
    expect(JSON.parse(lines[1]!)).toMatchObject({ code: 'DEADLINE' });
    expect(cloud.function('count').logs()).not.toContain('Task timed out');
  });

  it('answers a direct invocation, and refuses one with an error', async () => {
    expect(await cloud.function('count').invoke({ count: 2 })).toMatchObject({
      statusCode: 200,
      body: Buffer.from('{"at":1}\n{"at":2}\n').toString('base64'),
      isBase64Encoded: true,
    });
    await expect(cloud.function('count').invoke({ count: 1, fail: 0 })).rejects.toMatchObject({
      message: expect.stringContaining('"errorType":"INPUT_SCHEMA"'),
    });
  });

  it('answers the golden samples of a rollout whole', async () => {
    const sample = {
      name: 'count',
      contentType: 'application/json',
      base64: Buffer.from('{"count":2}').toString('base64'),
      golden: { status: 200, tolerance: 0, body: [{ at: 1 }, { at: 2 }] },
    };
    const invoke = async (event: RestEvent) => (await cloud.function('count').invoke(event)) as RestResult;
    expect(await trySamples([sample], invoke)).toEqual([]);
    const other = { ...sample, golden: { ...sample.golden, body: [{ at: 1 }, { at: 3 }] } };
    expect(await trySamples([other], invoke)).toEqual(['count: body.1.at: expected 3 ± 0, got 2']);
  });

  it('is answered for when its process ends on the way: the answer breaks off, or is an error', async () => {
    const gate = join(app.root, 'gate-of-exit');
    const open = () => writeFileSync(gate, '');
    if (mode === 'buffered') open();
    const response = await post({ count: 3, hurt: 2, gate });
    if (mode === 'buffered') return expect(response.status).toBe(502);
    const reader = response.body!.getReader();
    await reader.read();
    open();
    await expect(reader.read()).rejects.toThrow();
  });
});

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    external: ['onnxruntime-node', 'sharp'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return outputFiles[0]!.text;
}
