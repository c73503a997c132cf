// What tools ask beside inference: metadata, configuration, statistics, the repository index.
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { parseRoute } from '../../src/protocol/routes.ts';
import { Statistics } from '../../src/protocol/statistics.ts';
import { infer } from './ask.ts';
import { echoFunction } from './echo.ts';

const url = (path: string) => `https://f.example${path}`;
const get = async (path: string, fetch = echoFunction()) => (await fetch(new Request(url(path)))).json();
const post = (path: string, body?: string) =>
  new Request(url(path), { method: 'POST', ...(body === undefined ? {} : { body }) });
const one = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] });

describe('GET /v2', () => {
  it('lists exactly the extensions that are served whole', async () => {
    expect(await get('/v2')).toEqual({
      name: 'glowplug',
      version: expect.stringMatching(/^\d/),
      extensions: ['binary_tensor_data', 'model_configuration', 'statistics'],
    });
  });
});

describe('a model’s configuration', () => {
  it('is Triton’s, with -1 for free dimensions and strings by Triton’s name', async () => {
    expect(await get('/v2/models/rows/config')).toEqual({
      name: 'rows',
      platform: 'onnxruntime_onnx',
      backend: 'onnxruntime',
      max_batch_size: 0,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [-1, 2] }],
      output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [-1, 2] }],
    });
    expect(await get('/v2/models/one/versions/1/config')).toMatchObject({ input: [{ data_type: 'TYPE_STRING' }] });
  });
});

describe('statistics', () => {
  it('count what succeeded and what failed, of one model and of all', async () => {
    const fetch = echoFunction();
    for (const body of [one, one, '{']) await fetch(infer('vector', body));
    expect(await get('/v2/models/vector/stats', fetch)).toMatchObject({
      model_stats: [
        {
          name: 'vector',
          version: '1',
          inference_count: 2,
          execution_count: 2,
          inference_stats: {
            success: { count: 2 },
            fail: { count: 1 },
            queue: { count: 2, ns: 0 },
            compute_infer: { count: 2 },
          },
        },
      ],
    });
    const all = (await get('/v2/models/stats', fetch)) as { model_stats: { name: string; inference_count: number }[] };
    expect(all.model_stats.filter((stats) => stats.inference_count > 0).map(({ name }) => name)).toEqual(['vector']);
    expect(all.model_stats.length).toBeGreaterThan(13);
  });

  it('say in nanoseconds where the time went, and when the last one was', () => {
    let now = 0;
    const statistics = new Statistics({ now: () => now, sleep: async () => {} }, 1_000_000);
    const watch = statistics.start('m', '1');
    for (const [phase, ms] of [
      ['queue', 1],
      ['compute_input', 2],
      ['compute_infer', 4],
      ['compute_output', 8],
    ] as const) {
      now += ms;
      watch.lap(phase);
    }
    watch.succeed();
    now = 20;
    const failed = statistics.start('m', '1');
    now = 25;
    failed.fail();
    expect(statistics.of('m', '1')).toEqual({
      name: 'm',
      version: '1',
      last_inference: 1_000_025,
      inference_count: 1,
      execution_count: 1,
      inference_stats: {
        success: { count: 1, ns: 15e6 },
        fail: { count: 1, ns: 5e6 },
        queue: { count: 1, ns: 1e6 },
        compute_input: { count: 1, ns: 2e6 },
        compute_infer: { count: 1, ns: 4e6 },
        compute_output: { count: 1, ns: 8e6 },
        cache_hit: { count: 0, ns: 0 },
        cache_miss: { count: 0, ns: 0 },
      },
      batch_stats: [],
    });
  });
});

describe('the repository index', () => {
  const secret = () => new GlowplugError('DIGEST_MISMATCH', 's3://secret-bucket');
  const fetch = echoFunction({ fail: (model) => (model === 'rows' ? secret() : undefined) });
  const index = async (body?: string) => {
    const response = await fetch(post('/v2/repository/index', body));
    return {
      status: response.status,
      entries: (await response.json()) as { name: string; state: string; reason: string }[],
    };
  };

  it('says of each model whether it would answer, and no more of the inside than an answer does', async () => {
    const { entries } = await index();
    expect(entries.find(({ name }) => name === 'vector')).toEqual({
      name: 'vector',
      version: '1',
      state: 'READY',
      reason: '',
    });
    expect(entries.find(({ name }) => name === 'rows')).toMatchObject({
      state: 'UNAVAILABLE',
      reason: /not the ones that were published/,
    });
    expect(JSON.stringify(entries)).not.toContain('secret');
  });

  it('leaves out what is not ready when asked to', async () => {
    const names = async (body?: string) => (await index(body)).entries.map(({ name }) => name);
    expect(await names('{"ready":true}')).not.toContain('rows');
    expect(await names('{"ready":false}')).toContain('rows');
    expect(await names('{}')).toContain('rows');
    expect(await names('')).toContain('rows');
  });

  it.each(['{', '[]', '1', 'null', '{"ready":1}', '{"ready":"true"}'])('refuses %s', async (body) => {
    expect((await index(body)).status).toBe(400);
  });
});

describe('loading and unloading over HTTP', () => {
  it.each(['load', 'unload'])('%s is off, with the reason', async (verb) => {
    const response = await echoFunction()(post(`/v2/repository/models/vector/${verb}`, '{}'));
    expect({ status: response.status, body: await response.json() }).toMatchObject({
      status: 403,
      body: { error: 'loading and unloading over HTTP is off', code: 'MODEL_CONTROL_OFF', remedy: /deploy/ },
    });
  });
});

describe('routes', () => {
  it.each([
    ['GET', '/v2/models/stats', { kind: 'all-statistics' }],
    ['GET', '/v2/models/stats/stats', { kind: 'statistics', model: 'stats', version: undefined }],
    ['HEAD', '/v2/models/a%2Fb/versions/1%200/config', { kind: 'config', model: 'a/b', version: '1 0' }],
    ['GET', '/v2/models/team/ocr/det/versions/2/ready', { kind: 'model-ready', model: 'team/ocr/det', version: '2' }],
    ['POST', '/v2/models/team/ocr/infer', { kind: 'infer', model: 'team/ocr', version: undefined }],
    ['GET', '/v2/models/m/constructor', { kind: 'metadata', model: 'm/constructor', version: undefined }],
    ['POST', '/v2/repository/models/team/ocr/unload', { kind: 'control', model: 'team/ocr', action: 'unload' }],
    ['POST', '/v2/models/m/versions/2/infer', { kind: 'infer', model: 'm', version: '2' }],
  ])('%s %s is known', (method, path, route) => {
    expect(parseRoute(method, path)).toEqual(route);
  });

  it.each([
    ['GET', '/v2/repository/index', 'METHOD_NOT_ALLOWED'],
    ['GET', '/v2/repository/models/m/load', 'METHOD_NOT_ALLOWED'],
    ['POST', '/v2/models/m/stats', 'METHOD_NOT_ALLOWED'],
    ['DELETE', '/v2/models/m/infer', 'METHOD_NOT_ALLOWED'],
    ['GET', '/v2/models/m/versions/%ff/config', 'NOT_FOUND'],
    ['GET', '/v2/models/', 'NOT_FOUND'],
    ['GET', '/v2/toString', 'NOT_FOUND'],
    ['POST', '/v2/models/m/generate', 'METHOD_NOT_ALLOWED'],
    ['GET', '/v2/models', 'NOT_FOUND'],
  ])('%s %s is refused', (method, path, code) => {
    expect(() => parseRoute(method, path)).toThrow(expect.objectContaining({ code }));
  });
});
