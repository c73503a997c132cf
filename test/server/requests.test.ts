import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { rawSocket, readAll } from './raw-request.ts';
import { echo, metric, patient, start } from './start-server.ts';

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
