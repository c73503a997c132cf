import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { echo, type Given, metric, patient, start, unit } from './start-server.ts';

describe('the server: ready, and the end', () => {
  it('lives at once, is ready when every unit is, and says who is not', async () => {
    const failing = unit(() => {
      throw new GlowplugError('MODEL_UNAVAILABLE', 'no bytes');
    }, 'broken');
    const broken = {
      ...failing,
      handler: { ...failing.handler, fetch: async () => Response.json({ code: 'STORE_UNAVAILABLE' }, { status: 503 }) },
    };
    const { server, url } = await start([unit(echo), broken]);
    expect((await fetch(`${url}/v2/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(503);
    await expect(server.warm()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('broken'),
    });
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(503);
  });

  it('drains: what was accepted is answered, new work is refused with Connection: close, then it is gone', async () => {
    const go = Promise.withResolvers<void>();
    const { server, url, post } = await start(async (request) => {
      await go.promise;
      return await echo(request, {} as Given);
    });
    await server.warm();
    const accepted = Array.from({ length: 20 }, (_, at) => post('/', `${at}`));
    await expect.poll(async () => await metric(server.port, 'glowplug_requests_in_flight'), patient).toBe(21);
    const drained = server.drain(10_000);
    const refused = await post('/', 'late');
    expect([refused.status, refused.headers.get('connection'), refused.headers.get('retry-after')]).toEqual([
      503,
      'close',
      '1',
    ]);
    expect(await refused.json()).toMatchObject({ code: 'SERVER_BUSY' });
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(503);
    go.resolve();
    const answers = await Promise.all(accepted);
    expect(await Promise.all(answers.map((one) => one.text()))).toEqual(answers.map((_, at) => `${at}`));
    expect(new Set(answers.map((one) => one.headers.get('connection')))).toEqual(new Set(['close']));
    await drained;
    await expect(fetch(url)).rejects.toThrow();
  });

  it('past the drain limit the rest is cut', async () => {
    const { server, post } = await start(async () => await new Promise<Response>(() => {}));
    const cut = post('/', 'x').then(
      () => 'answered',
      () => 'cut',
    );
    await expect.poll(async () => await metric(server.port, 'glowplug_requests_in_flight'), patient).toBe(2);
    await server.drain(50);
    expect(await cut).toBe('cut');
  });
});

describe('the server: where it listens', () => {
  it.each(['192.0.2.1', 'example.invalid'])(
    'says that %s is no address of this machine, not that a port is taken',
    async (host) => {
      await expect(start(echo, { host })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(`^expected an address of this machine, got ${host}: n`),
        remedy: expect.stringContaining('--host'),
      });
    },
  );
});

describe('the server: paths', () => {
  const named = (name: string, models: readonly string[] = []) =>
    unit((request) => new Response(`${name} ${new URL(request.url).pathname}`), name, models);

  it('one function is at /, several at /<name>/, models without code at /v2', async () => {
    const alone = await start([named('ocr')]);
    expect(await (await alone.post('/a', '')).text()).toBe('ocr /a');
    const { url, post } = await start([named('iris'), named('ocr'), named('models', ['rec', 'det'])]);
    expect(await (await post('/iris', '')).text()).toBe('iris /');
    expect(await (await post('/ocr/v2/models/x/infer', '')).text()).toBe('ocr /v2/models/x/infer');
    expect(await (await post('/v2/models/rec/infer', '')).text()).toBe('models /v2/models/rec/infer');
    expect(await (await fetch(`${url}/v2`)).json()).toMatchObject({ name: 'glowplug' });
    const lost = await post('/irises', '');
    expect([lost.status, await lost.json()]).toEqual([
      404,
      expect.objectContaining({ error: 'expected a path under /iris/, /ocr/, /v2; got "/irises"' }),
    ]);
  });

  it('SageMaker: /ping is readiness, /invocations goes to the one target, or the one that is named', async () => {
    const options = { sagemaker: true };
    const one = await start([named('models', ['rec'])], options);
    expect((await fetch(`${one.url}/ping`)).status).toBe(503);
    await one.server.warm();
    expect((await fetch(`${one.url}/ping`)).status).toBe(200);
    expect(await (await one.post('/invocations', '{}')).text()).toBe('models /v2/models/rec/infer');
    const fn = await start([named('ocr')], options);
    expect(await (await fn.post('/invocations', '{}')).text()).toBe('ocr /');
    const many = await start([named('ocr'), named('models', ['rec', 'det'])], options);
    const target = { headers: { 'x-amzn-sagemaker-target-model': 'det' } };
    expect(await (await many.post('/invocations', '{}', target)).text()).toBe('models /v2/models/det/infer');
    const unnamed = await many.post('/invocations', '{}');
    expect([unnamed.status, await unnamed.json()]).toEqual([
      404,
      expect.objectContaining({ error: 'expected X-Amzn-SageMaker-Target-Model to be one of ocr, rec, det' }),
    ]);
    const off = await start([named('models', ['rec'])]);
    expect(await (await off.post('/invocations', '')).text()).toBe('models /invocations');
  });

  it('SageMaker’s binary content type is the protocol’s, there and back', async () => {
    const heads: (string | null)[] = [];
    const binary = unit(
      (request) => {
        heads.push(request.headers.get('content-type'), request.headers.get('inference-header-content-length'));
        return new Response('{}bytes', {
          headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': '2' },
        });
      },
      'models',
      ['rec'],
    );
    const { post } = await start([binary], { sagemaker: true });
    const type = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';
    const response = await post('/invocations', '{"a":1}xxxx', { headers: { 'content-type': `${type}7` } });
    expect(heads).toEqual(['application/octet-stream', '7']);
    expect(response.headers.get('content-type')).toBe(`${type}2`);
    expect(await response.text()).toBe('{}bytes');
  });
});
