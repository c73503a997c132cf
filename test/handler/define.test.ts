import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GlowplugError } from '../../src/core/errors.ts';
import { noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction, type FunctionOptions, type References } from '../../src/handler/define.ts';
import { json, tensors } from '../../src/handler/input.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { fakeHost } from './fake-host.ts';

const context = () => createContext({ requestId: 'r-1', log: noLog });
const post = (body: string | Uint8Array<ArrayBuffer>, path = '/', headers: Record<string, string> = {}) =>
  new Request(`https://f.example${path}`, { method: 'POST', body, headers });
const get = (path: string) => new Request(`https://f.example${path}`);

function serve<const M extends References, I, O>(options: FunctionOptions<M, I, O>, fake = fakeHost()) {
  const { fetch, warm } = defineFunction(options, fake.host);
  return { fetch: (request: Request, given = context()) => fetch(request, given), warm };
}

async function refusal(response: Response) {
  const body: unknown = await response.json();
  return { status: response.status, body };
}

const inferBody = JSON.stringify({
  id: 'a1',
  inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2.5] }],
});

describe('a function with nothing but a model', () => {
  const plain = serve({ models: { m: 'doubler:1.0.0' } });

  it('speaks the Open Inference Protocol at / and at its own path', async () => {
    for (const path of ['/', '/v2/models/doubler/infer', '/v2/models/doubler/versions/1.0.0/infer']) {
      const response = await plain.fetch(post(inferBody, path));
      expect(await response.json()).toEqual({
        model_name: 'doubler',
        model_version: '1.0.0',
        id: 'a1',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [2, 5] }],
      });
    }
  });

  it('says in a header which version ran, and none where no model ran', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const header = (response: Response) => response.headers.get('x-glowplug-model');
    expect(header(await plain.fetch(post(inferBody)))).toBe(`m=doubler:1.0.0@${digest}`);
    expect(header(await plain.fetch(post('{}')))).toBeNull();
    expect(header(await plain.fetch(get('/v2/models/doubler')))).toBeNull();
    const x = tensor('FP32', [1, 2], Float32Array.of(1, 2));
    const moved = serve({
      models: { a: 'one:1.0.0', b: 'two:2.0.0', c: 'three:3.0.0' },
      async predict(_input, { a, b }) {
        await Promise.all([a.run({ x }), b.run({ x }), b.run({ x })]);
      },
      // Its headers cannot be changed.
      encode: () => Response.redirect('https://elsewhere.example/', 303),
    });
    const redirect = await moved.fetch(post(inferBody));
    expect([redirect.status, redirect.headers.get('location')]).toEqual([303, 'https://elsewhere.example/']);
    expect(header(redirect)).toBe(`a=one:1.0.0@${digest}, b=two:2.0.0@${digest}`);
  });

  it('tells its metadata and its health', async () => {
    expect(await (await plain.fetch(get('/v2'))).json()).toMatchObject({ name: 'glowplug' });
    expect(await (await plain.fetch(get('/v2/models/doubler'))).json()).toEqual({
      name: 'doubler',
      versions: ['1.0.0'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    });
    for (const path of ['/v2/health/live', '/v2/health/ready', '/v2/models/doubler/ready']) {
      expect((await plain.fetch(get(path))).status).toBe(200);
    }
  });

  it('is not ready while a model cannot be loaded, and says no more to a client than that', async () => {
    const broken = serve(
      { models: { m: 'doubler:1.0.0' } },
      fakeHost({ fail: () => new GlowplugError('DIGEST_MISMATCH', 's3://secret-bucket …') }),
    );
    const { status, body } = await refusal(await broken.fetch(get('/v2/health/ready')));
    expect(status).toBe(502);
    expect(JSON.stringify(body)).not.toContain('secret-bucket');
    expect((await broken.fetch(get('/v2/health/live'))).status).toBe(200);
  });

  it.each([
    ['/v2/models/other', 404, 'MODEL_NOT_FOUND', 'expected one of doubler 1.0.0; got "other"'],
    ['/v2/models/doubler/versions/9', 404, 'MODEL_NOT_FOUND', 'expected one of doubler 1.0.0; got "doubler 9"'],
    ['/v2/nothing', 404, 'NOT_FOUND', 'expected a path of the Open Inference Protocol, got "/v2/nothing"'],
    ['/v2/models/%ff', 404, 'NOT_FOUND', 'expected a path of the Open Inference Protocol, got "/v2/models/%ff"'],
    ['/v2/models/doubler/infer', 405, 'METHOD_NOT_ALLOWED', 'expected POST, got "GET"'],
  ])('GET %s is %i %s', async (path, status, code, error) => {
    const response = await plain.fetch(get(path));
    expect(await refusal(response)).toMatchObject({ status, body: { code, error, requestId: 'r-1' } });
    if (status === 405) expect(response.headers.get('allow')).toBe('POST');
  });
});

describe('a function with verbs of its own', () => {
  const schemas = {
    zod: z.object({ measures: z.array(z.number()).length(2) }),
    valibot: v.object({ measures: v.pipe(v.array(v.number()), v.length(2)) }),
    arktype: type({ measures: 'number[] == 2' }),
  };
  const measured = (schema: (typeof schemas)[keyof typeof schemas]) =>
    serve({
      models: { m: 'doubler:1.0.0' },
      input: json(schema),
      async predict({ measures }, { m }) {
        const { y } = await m.run({ x: tensor('FP32', [1, 2], Float32Array.from(measures)) });
        return { doubled: [...(y?.datatype === 'FP32' ? y.data : [])] };
      },
    });

  it.each(Object.entries(schemas))('takes JSON that %s checks', async (_name, schema) => {
    const { fetch } = measured(schema);
    const response = await fetch(post('{"measures":[1,2]}'));
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ doubled: [2, 4] });
    const { status, body } = await refusal(await fetch(post('{"measures":[1,"2"]}')));
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'INPUT_SCHEMA' });
    expect(JSON.stringify(body)).toContain('measures.1');
  });

  const own = measured(schemas.zod);
  it.each([
    ['an empty body', post(''), 400, 'INPUT_EMPTY'],
    ['what is not JSON', post('{"measures":'), 400, 'INPUT_JSON'],
    ['bytes that are not UTF-8', post(Uint8Array.of(0x22, 0xff, 0x22)), 400, 'INPUT_JSON'],
    ['JSON of another shape', post('[]'), 400, 'INPUT_SCHEMA'],
    ['a body over the limit', post(new Uint8Array(6 * 1024 * 1024 + 1)), 413, 'INPUT_TOO_LARGE'],
    ['a GET', get('/'), 405, 'METHOD_NOT_ALLOWED'],
    ['the protocol, which is off', post(inferBody, '/v2/models/doubler/infer'), 404, 'NOT_FOUND'],
  ])('refuses %s', async (_name, request, status, code) => {
    const answer = await refusal(await own.fetch(request));
    expect(answer).toMatchObject({ status, body: { code, requestId: 'r-1' } });
    expect(Object.keys(answer.body as object)).toEqual(['error', 'code', 'remedy', 'requestId']);
  });

  it('answers the protocol too when oip is true', async () => {
    const both = serve({ models: { m: 'doubler:1.0.0' }, oip: true, predict: () => 'own' });
    expect(await (await both.fetch(post(inferBody, '/v2/models/doubler/infer'))).json()).toMatchObject({ id: 'a1' });
    expect(await (await both.fetch(post(inferBody))).json()).toBe('own');
  });

  it('decodes and encodes as the owner says, on any path and method', async () => {
    const { fetch } = serve({
      models: {},
      input: { kind: 'custom', decode: (request) => new URL(request.url).searchParams.get('q') ?? '' },
      predict: (q) => q.toUpperCase(),
      encode: (text) => new Response(text, { headers: { 'content-type': 'text/plain' } }),
    });
    expect(await (await fetch(get('/any?q=abc'))).text()).toBe('ABC');
  });

  it('runs its one model when only decode is its own', async () => {
    const { fetch } = serve({
      models: { m: 'doubler:1.0.0' },
      input: {
        kind: 'custom',
        decode: () => ({
          id: undefined,
          outputs: undefined,
          inputs: { x: tensor('FP32', [1, 2], Float32Array.of(3, 4)) },
        }),
      },
    });
    expect(await (await fetch(get('/'))).json()).toMatchObject({ outputs: [{ data: [6, 8] }] });
  });

  it('reads a text file of the version', async () => {
    const { fetch } = serve({ models: { m: 'doubler:1.0.0' }, predict: (_input, { m }) => m.text('keys.txt') });
    expect(await (await fetch(post(inferBody))).json()).toBe('keys.txt of doubler:1.0.0');
  });
});

describe('failures', () => {
  it('hides what went wrong inside from the client and logs it once, with the request id', async () => {
    const lines: unknown[] = [];
    const log = { ...noLog, error: (message: string, fields?: object) => lines.push({ message, ...fields }) };
    const { fetch } = serve({
      models: {},
      input: tensors(),
      predict: () => {
        throw new Error('password hunter2');
      },
    });
    const { status, body } = await refusal(await fetch(post(inferBody), createContext({ requestId: 'r-9', log })));
    expect(status).toBe(500);
    expect(body).toMatchObject({
      code: 'INTERNAL',
      error: 'A fault of the function or of glowplug.',
      requestId: 'r-9',
    });
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines[0])).toMatch(/hunter2.*r-9|r-9.*hunter2/);
  });

  it('keeps a model that is not there apart from an input that is wrong: 503, not 404', async () => {
    const { fetch } = serve(
      { models: { m: 'doubler:1.0.0' } },
      fakeHost({ fail: () => new GlowplugError('MODEL_NOT_FOUND', 'gone') }),
    );
    expect(await refusal(await fetch(post(inferBody)))).toMatchObject({
      status: 503,
      body: { code: 'MODEL_UNAVAILABLE' },
    });
  });

  it('tries again after a model could not be loaded', async () => {
    let broken = true;
    const { fetch, warm } = serve(
      { models: { m: 'doubler:1.0.0' } },
      fakeHost({ fail: () => (broken ? new GlowplugError('STORE_UNAVAILABLE', 'no answer') : undefined) }),
    );
    await warm();
    expect((await fetch(post(inferBody))).status).toBe(503);
    broken = false;
    expect((await fetch(post(inferBody))).status).toBe(200);
  });

  it('answers 504 when the deadline passes first', async () => {
    const deadline = new AbortController();
    const { fetch } = serve({ models: {}, input: tensors(), predict: () => new Promise(() => {}) });
    const answer = fetch(post(inferBody), createContext({ requestId: 'r-1', log: noLog, signal: deadline.signal }));
    deadline.abort();
    expect(await refusal(await answer)).toMatchObject({ status: 504, body: { code: 'DEADLINE' } });
  });

  it('refuses an answer of NaN with its place, never as null', async () => {
    const nan = fakeHost({ answer: () => ({ y: tensor('FP32', [2], Float32Array.of(1, Number.NaN)) }) });
    const { fetch } = serve({ models: { m: 'doubler:1.0.0' } }, nan);
    expect(await refusal(await fetch(post(inferBody)))).toMatchObject({ status: 500, body: { code: 'OUTPUT_JSON' } });
  });

  it('refuses a definition without a way to answer', () => {
    expect(() => serve({})).toThrow('expected a predict, or exactly one model that runs without it; got 0 models');
    expect(() => serve({ models: { a: 'a:1', b: 'b:1' } })).toThrow('got 2 models');
  });

  it('runs the warm verb once, before the first predict', async () => {
    const order: string[] = [];
    const { fetch } = serve({
      models: {},
      input: tensors(),
      warm: () => void order.push('warm'),
      predict: () => order.push('predict'),
    });
    await Promise.all([fetch(post(inferBody)), fetch(post(inferBody))]);
    expect(order).toEqual(['warm', 'predict', 'predict']);
  });
});
