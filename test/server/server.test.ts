// The server over real sockets; what it serves is whatever the test needs.
import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { answer } from '../../src/handler/pipeline.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/server.ts';
import type { Unit } from '../../src/server/units.ts';
import { rawSocket, readAll } from './raw-request.ts';

type Given = Parameters<Unit['handler']['fetch']>[1];
type Work = (request: Request, given: Given) => Promise<Response> | Response;

const patient = { timeout: 10_000 };
const open: RunningServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server[Symbol.asyncDispose]();
});

/** One unit that does `work`; its failures become answers as a function's do. */
function unit(work: Work, name = 'work', models: readonly string[] = []): Unit {
  const fetch = async (request: Request, given: Given) =>
    await answer(createContext({ ...given, log: noLog }), async () => await work(request, given));
  const ready = (request: Request) => new URL(request.url).pathname === '/v2/health/ready';
  return {
    name,
    models,
    handler: {
      fetch: async (request, given) => (ready(request) ? new Response() : await fetch(request, given)),
      warm: async () => {},
    },
  };
}

async function start(units: readonly Unit[] | Work, options: Partial<ServerOptions> = {}) {
  const all = typeof units === 'function' ? [unit(units)] : units;
  const server = await startServer(all, { host: '127.0.0.1', port: 0, log: noLog, ...options });
  open.push(server);
  const url = `http://127.0.0.1:${server.port}`;
  const post = async (path: string, body: NonNullable<RequestInit['body']>, init: RequestInit = {}) =>
    await fetch(`${url}${path}`, { method: 'POST', body, ...init });
  return { server, url, post };
}

const echo: Work = async (request) =>
  new Response(await request.arrayBuffer(), {
    headers: { 'x-path': new URL(request.url).pathname, 'x-method': request.method },
  });

describe('the server: requests and answers', () => {
  it('carries method, path, headers and bodies both ways, whatever their size', async () => {
    const { post } = await start(echo);
    for (const bytes of [0, 1, 65_536, 65_537, 3_000_000]) {
      const body = Buffer.alloc(bytes, 'ä');
      const response = await post('/some/path?and=query', body);
      expect(response.status).toBe(200);
      expect(response.headers.get('x-path')).toBe('/some/path');
      expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
    }
  });

  it('carries a chunked body as it comes', async () => {
    const { post } = await start(echo);
    const parts = ['a', 'b', 'c'];
    const body = new ReadableStream({
      pull: (to) => (parts.length > 0 ? to.enqueue(Buffer.from(parts.shift()!)) : to.close()),
    });
    const response = await post('/', body, { duplex: 'half' } as RequestInit);
    expect(await response.text()).toBe('abc');
  });

  it('streams an answer: the first part is there before the second is made', async () => {
    const second = Promise.withResolvers<void>();
    const { url } = await start(() => {
      const stream = (async function* () {
        yield Buffer.from('first ');
        await second.promise;
        yield Buffer.from('second');
      })();
      return new Response(ReadableStream.from(stream), { headers: { 'content-type': 'text/event-stream' } });
    });
    const response = await fetch(url);
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('first ');
    second.resolve();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('second');
    expect((await reader.read()).done).toBe(true);
  });

  it('makes no more of a stream than the client reads', async () => {
    let made = 0;
    const { server } = await start(
      () =>
        new Response(
          new ReadableStream({
            pull(to) {
              made += 1e6;
              to.enqueue(new Uint8Array(1e6));
              if (made >= 200e6) to.close();
            },
          }),
        ),
    );
    const socket = await rawSocket(server.port);
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    // What fits into the sockets' buffers is made; then the count stands still.
    let before = -1;
    const stands = () => {
      const same = before === made;
      before = made;
      return same;
    };
    await expect.poll(stands, { ...patient, interval: 100 }).toBe(true);
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(50e6);
    socket.destroy();
  });

  it('a stream that fails on the way cuts the connection: nobody takes half an answer for all of it', async () => {
    const { url } = await start(() => {
      const stream = (async function* () {
        yield Buffer.from('half');
        await new Promise(setImmediate);
        throw new Error('the rest is lost');
      })();
      return new Response(ReadableStream.from(stream));
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
  });

  it('HEAD has the head alone; the request’s id comes back, an own one where none was sent', async () => {
    const { url } = await start(() => new Response('body'));
    const response = await fetch(url, { method: 'HEAD', headers: { 'x-request-id': 'mine-1' } });
    expect(await response.text()).toBe('');
    expect(response.headers.get('x-request-id')).toBe('mine-1');
    expect((await fetch(url, { headers: { 'x-request-id': 'a b' } })).headers.get('x-request-id')).toMatch(
      /^[\da-f-]{36}$/,
    );
  });

  it('compresses large JSON for who asks, nothing else', async () => {
    const large = JSON.stringify(Array.from({ length: 5000 }, (_, at) => at));
    const { server } = await start((request) => {
      const type = new URL(request.url).pathname === '/json' ? 'application/json' : 'application/octet-stream';
      return new Response(large, { headers: { 'content-type': type } });
    });
    const ask = async (path: string, accept: string) => {
      const socket = await rawSocket(server.port);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept-encoding: ${accept}\r\n\r\n`);
      const text = await readAll(socket);
      return {
        head: text.slice(0, text.indexOf('\r\n\r\n')),
        body: Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1'),
      };
    };
    const packed = await ask('/json', 'br, gzip');
    expect(packed.head).toContain('content-encoding: gzip');
    expect(gunzipSync(packed.body).toString()).toBe(large);
    for (const [path, accept] of [
      ['/json', 'identity'],
      ['/json', 'gzip;q=0'],
      ['/bytes', 'gzip'],
    ] as const) {
      expect((await ask(path, accept)).head).not.toContain('content-encoding');
    }
  });
});

describe('the server: limits', () => {
  it('a body over the limit is 413, announced or not, and the client gets to read it while it still sends', async () => {
    const { post } = await start(echo, { limits: { bodyBytes: 100_000 } });
    const announced = await post('/', Buffer.alloc(8_000_000));
    expect(announced.status).toBe(413);
    expect(await announced.json()).toMatchObject({ code: 'INPUT_TOO_LARGE', error: expect.stringContaining('100000') });
    let sent = 0;
    const body = new ReadableStream({
      pull(to) {
        sent += 10_000;
        if (sent > 1_000_000) to.close();
        else to.enqueue(new Uint8Array(10_000));
      },
    });
    expect((await post('/', body, { duplex: 'half' } as RequestInit)).status).toBe(413);
  });

  it('who waits to be told to go on is refused without sending the body, or told', async () => {
    const { server } = await start(echo, { limits: { bodyBytes: 10 } });
    const ask = async (length: number) => {
      const socket = await rawSocket(server.port);
      const closed = readAll(socket);
      socket.write(
        `POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: ${length}\r\n\r\n`,
      );
      if (length <= 10) await once(socket, 'data');
      socket.end('0123456789'.slice(0, length));
      return await closed;
    };
    expect(await ask(11)).toMatch(/^HTTP\/1.1 413/);
    expect(await ask(10)).toMatch(/^HTTP\/1.1 100 Continue[\s\S]*HTTP\/1.1 200 OK[\s\S]*0123456789$/);
  });

  it('headers over the limit are 431, bytes that are no HTTP 400, each as JSON', async () => {
    const { server } = await start(echo);
    const ask = async (bytes: string) => {
      const socket = await rawSocket(server.port);
      socket.write(bytes);
      return await readAll(socket);
    };
    expect(await ask(`GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 [\s\S]*"code":"INPUT_TOO_LARGE"/,
    );
    expect(await ask('SSH-2.0-OpenSSH_9.9\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [\s\S]*"error":/);
    expect(await ask('TRACE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 405 /);
    expect(await ask('GET http://elsewhere/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 404 /,
    );
    expect(await ask('GET / HTTP/1.1\r\nhost: a b/../\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
  });

  it('a client that sends its headers, or its body, too slowly is told 408, and the others never notice', async () => {
    const { server, post } = await start(echo, { limits: { headersMs: 200, receiveMs: 300 } });
    const heads = await rawSocket(server.port);
    heads.write('GET / HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const body = await rawSocket(server.port);
    body.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this');
    const both = Promise.all([readAll(heads), readAll(body)]);
    expect(await (await post('/', 'quick')).text()).toBe('quick');
    for (const text of await both) expect(text).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"REQUEST_SLOW"/);
  });

  it('a client that stops reading is let go after the time of an answer', async () => {
    const { server } = await start(() => new Response(new Uint8Array(50e6)), { limits: { answerMs: 300 } });
    const socket = await rawSocket(server.port);
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const closed = once(socket, 'close');
    await expect.poll(async () => (await metric(server.port, 'glowplug_requests_in_flight')) === 1, patient).toBe(true);
    socket.resume();
    await closed;
  });

  it('an answer that takes too long is 504, and a client that goes aborts its request', async () => {
    const aborted = Promise.withResolvers<void>();
    const { server, url } = await start(
      async (request, { signal }) => {
        const path = new URL(request.url).pathname;
        if (path === '/gone') signal.addEventListener('abort', () => aborted.resolve());
        return await new Promise<Response>(() => {});
      },
      { limits: { answerMs: 200 } },
    );
    expect(await (await fetch(url)).json()).toMatchObject({ code: 'DEADLINE' });
    const socket = await rawSocket(server.port);
    socket.write('GET /gone HTTP/1.1\r\nhost: x\r\n\r\n');
    socket.destroy();
    await aborted.promise;
  });

  it('connections past the limit are closed, the ones before go on', async () => {
    const { server } = await start(echo, { limits: { connections: 3 } });
    const first = await Promise.all([1, 2, 3].map(() => rawSocket(server.port)));
    expect(await readAll(await rawSocket(server.port))).toBe('');
    const closed = readAll(first[0]!);
    first[0]!.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(await closed).toMatch(/^HTTP\/1.1 200/);
    for (const socket of first) socket.destroy();
  });
});

describe('the server: who may', () => {
  it('asks for a key, by either header, for everything but health', async () => {
    const { server, url } = await start(echo, { apiKeys: ['first-key', 'second-key'] });
    await server.warm();
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(`${url}${path}`, { headers })).status;
    expect(await status('/')).toBe(401);
    expect(await status('/', { authorization: 'Bearer wrong' })).toBe(401);
    expect(await status('/', { 'x-api-key': 'first-ke' })).toBe(401);
    expect(await status('/metrics')).toBe(401);
    expect(await status('/', { authorization: 'Bearer second-key' })).toBe(200);
    expect(await status('/metrics', { 'x-api-key': 'first-key' })).toBe(200);
    expect(await status('/v2/health/live')).toBe(200);
    expect(await status('/v2/health/ready')).toBe(200);
  });

  it('CORS is off unless origins are named; a preflight is answered for those alone', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    };
    const off = await start(echo);
    expect((await fetch(off.url, preflight)).headers.get('access-control-allow-origin')).toBeNull();
    const on = await start(echo, { cors: ['https://app.example'], apiKeys: ['key'] });
    const allowed = await fetch(on.url, preflight);
    expect([
      allowed.status,
      allowed.headers.get('access-control-allow-origin'),
      allowed.headers.get('access-control-allow-headers'),
    ]).toEqual([204, 'https://app.example', 'content-type']);
    const answered = await fetch(on.url, { headers: { origin: 'https://app.example', 'x-api-key': 'key' } });
    expect(answered.headers.get('access-control-allow-origin')).toBe('https://app.example');
    const other = await fetch(on.url, { headers: { origin: 'https://evil.example', 'x-api-key': 'key' } });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });
});

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

describe('the server: many at once', () => {
  it('one request’s failure harms no other: 100 at once, a third of them broken in every way', async () => {
    const { server, post } = await start(async (request) => {
      const text = await request.text();
      if (text === 'throw') throw new Error('a fault of the function');
      if (text === 'refuse') throw new GlowplugError('INPUT_SCHEMA', 'no');
      return new Response(text);
    });
    const kinds = ['fine', 'throw', 'refuse', 'fine', 'fine', 'fine'];
    const answers = await Promise.all(Array.from({ length: 100 }, (_, at) => post('/', kinds[at % 6]!)));
    const wanted = { fine: 200, throw: 500, refuse: 400 } as Record<string, number>;
    expect(answers.map((one) => one.status)).toEqual(answers.map((_, at) => wanted[kinds[at % 6]!]));
    expect(await metric(server.port, 'glowplug_requests_total{unit="work",status="500"}')).toBe(17);
  });
});

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
