// Ranges that are asked for before somebody takes them: taken once, whatever came or broke meanwhile, and left by nobody for long.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { askAhead, forgetAsked, sendRange, takeAsked } from '../../src/models/stores/range-request.ts';
import { receiveRange } from '../../src/models/stores/receive-range.ts';
import { runs } from '../runs.ts';

const object = Buffer.alloc(600_000, 'glowplug');
const headers = { host: 'models.example' };

/** A server that answers ranges of `object` as `respond` says. */
async function store(
  respond: (socket: Socket, answer: Buffer, request: number) => unknown = (socket, answer) => socket.end(answer),
) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    const request = sockets.length;
    socket.once('data', (bytes) => {
      const [, first, last] = /range: bytes=(\d+)-(\d+)/.exec(bytes.toString('latin1')) ?? [];
      const body = object.subarray(Number(first), Number(last) + 1);
      const head = [
        'HTTP/1.1 206 Partial Content',
        `Content-Range: bytes ${first}-${last}/${object.length}`,
        `Content-Length: ${body.length}`,
      ];
      void respond(socket, Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]), request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/weights`);
  const of = ([first, last]: readonly [number, number]) => ({ ...headers, range: `bytes=${first}-${last}` });
  return {
    url,
    sockets,
    ask: async (range: readonly [number, number]) => await askAhead(url, range, of(range)),
    async receive(range: readonly [number, number]) {
      const landed: Uint8Array[] = [];
      const signed = vi.fn(async () => of(range));
      const whole = await receiveRange({
        url,
        range,
        headers: signed,
        size: object.length,
        signal: new AbortController().signal,
        silenceMs: 5000,
        onSent: () => {},
        land: (bytes) => landed.push(Uint8Array.from(bytes)) > 0,
        broken: (cause) => new Error('broken', { cause }),
      });
      return { whole, signed, bytes: Buffer.concat(landed) };
    },
  };
}

it('are received by whoever wants them, with one request, however much had come by then', async () => {
  const count = runs(30);
  for (let run = 0; run < count; run++) {
    const range = [run * 1000, run % 3 === 0 ? run * 1000 + 100 : object.length - 1] as const;
    const { ask, receive, sockets } = await store();
    await ask(range);
    // Nothing yet, a little, or more than one reading of the socket.
    await setTimeout([0, 2, 30][run % 3]);
    const { whole, signed, bytes } = await receive(range);
    expect([whole, bytes.equals(object.subarray(range[0], range[1] + 1))]).toEqual([true, true]);
    expect([sockets.length, signed.mock.calls.length]).toEqual([1, 0]);
    // It is taken once: the next one asks.
    expect((await receive(range)).signed).toHaveBeenCalledOnce();
  }
  console.log(`${count} ranges asked for ahead: each landed as it was, with one request`);
});

it('are asked for once, and another range by itself', async () => {
  const { ask, receive, sockets } = await store();
  await Promise.all([ask([0, 9]), ask([0, 9])]);
  expect((await receive([0, 8])).bytes.toString()).toBe('glowplugg');
  expect((await receive([0, 9])).bytes.toString()).toBe('glowpluggl');
  expect(sockets).toHaveLength(2);
});

it.each([
  ['the connection is reset', (socket: Socket) => socket.resetAndDestroy()],
  ['the connection ends without a byte', (socket: Socket) => socket.end()],
])('are asked for again when %s before somebody takes them', async (_what, fail) => {
  const { ask, receive, sockets } = await store((socket, answer, request) =>
    request === 1 ? fail(socket) : socket.end(answer),
  );
  await ask([0, 99]);
  await vi.waitUntil(() => sockets[0]?.destroyed);
  await setTimeout(20);
  const { whole, bytes } = await receive([0, 99]);
  // The usual way asks again for what was not received.
  const again = whole ? bytes : (await receive([0, 99])).bytes;
  expect(again.equals(object.subarray(0, 100))).toBe(true);
});

it('break where they are received, when the connection breaks within the bytes', async () => {
  const { ask, receive } = await store((socket, answer) => socket.write(answer.subarray(0, 1000), () => socket.end()));
  await ask([0, 9999]);
  await setTimeout(20);
  await expect(receive([0, 9999])).rejects.toThrow('broken');
});

it('that nobody takes are let go, at once when somebody says so', async () => {
  const { url, ask, sockets } = await store(() => {});
  await ask([0, 9]);
  await forgetAsked();
  await once(sockets[0]!, 'close');
  await setTimeout(20);
  expect(await takeAsked(url, [0, 9])).toBeUndefined();
  await ask([0, 9]);
  const before = performance.now();
  await once(sockets[1]!, 'close');
  expect(performance.now() - before).toBeGreaterThan(2000);
  await setTimeout(20);
  expect(await takeAsked(url, [0, 9])).toBeUndefined();
}, 10_000);

it('of nobody who listens, or with a header that no header may be, do no harm', async () => {
  const { url } = await store();
  const nobody = new URL('http://127.0.0.1:1/weights');
  await askAhead(nobody, [0, 9], headers);
  expect(await takeAsked(nobody, [0, 9])).toBeUndefined();
  const bad = { ...headers, 'x-amz-security-token': 'a\r\nx: b' };
  expect(await sendRange(url, bad)).toBeUndefined();
  await askAhead(url, [0, 9], bad);
  expect(await takeAsked(url, [0, 9])).toBeUndefined();
});
