import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { rawSocket, readAll } from './raw-request.ts';
import { echo, metric, patient, start } from './start-server.ts';

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
      socket.write(bytes, 'latin1');
      return await readAll(socket);
    };
    expect(await ask(`GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 [\s\S]*"code":"INPUT_TOO_LARGE"/,
    );
    const malformed = [
      ['SSH-2.0-OpenSSH_9.9\r\n\r\n', 'expected an HTTP/1.1 request, got Parse Error: '],
      ['POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnone\r\n', 'Invalid character in chunk size'],
      ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'the start of TLS: this port speaks plain HTTP'],
    ] as const;
    for (const [bytes, why] of malformed) {
      const text = await ask(bytes);
      expect(text).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"INPUT_MESSAGE"/);
      expect(text).toContain(why);
    }
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
