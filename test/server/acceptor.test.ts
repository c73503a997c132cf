// Connections that two processes hold: what the one that serves leaves open when it dies, the other one ends, and never into an answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { handClock } from '../hand-clock.ts';
import { rawSocket, readAll } from './raw-request.ts';
import { metric, patient } from './start-server.ts';
import { handler, supervised } from './supervised.ts';

const work = `const large = new Uint8Array(2e7).fill(65);${handler(`
  const { pathname } = new URL(request.url);
  if (pathname === '/never') return new Promise(() => {});
  if (pathname === '/large') return new Response(large);
  if (pathname === '/stream') return new Response(new ReadableStream({ start: (c) => c.enqueue(Buffer.from('begun')) }));
  if (pathname === '/small') return new Response('s'.repeat(6000));
  return new Response(await request.text());
`)}`;

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
const post = (body: string) => `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** The answers in what a connection received, and what is left behind the last whole one. */
function answersIn(received: string): { readonly statuses: number[]; readonly rest: string } {
  const statuses: number[] = [];
  for (let rest = received; ; ) {
    const head = /^HTTP\/1\.1 (\d+) [\s\S]*?\r\n\r\n/.exec(rest);
    const length = Number(/content-length: (\d+)/i.exec(head?.[0] ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
    if (!head || rest.length < head[0].length + length) return { statuses, rest };
    statuses.push(Number(head[1]));
    rest = rest.slice(head[0].length + length);
  }
}

async function connected(port: number, sent: string) {
  const socket = await rawSocket(port);
  const received = readAll(socket);
  socket.write(sent);
  return { socket, received };
}

describe('a serving process that is killed', () => {
  it('leaves no answer with another one inside: what had begun is cut, what had not is 503, what was whole stays whole', async () => {
    const { nth } = await supervised(work);
    const { port, pid } = await nth(1);
    const each = async (count: number, sent: string, pause = false) =>
      await Promise.all(
        Array.from({ length: count }, async () => {
          const one = await connected(port, sent);
          if (pause) one.socket.pause();
          return one;
        }),
      );
    const large = await each(20, get('/large'), true);
    const streams = await each(20, get('/stream'));
    const waiting = await each(20, get('/never'));
    const halves = await each(20, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nonly this');
    const kept = await each(20, post('kept'));
    await expect.poll(() => metric(port, 'glowplug_requests_in_flight'), patient).toBeGreaterThan(80);
    await expect.poll(() => kept.every(({ socket }) => socket.bytesRead > 0), patient).toBe(true);
    const piped = await each(20, get('/small').repeat(2000), true);
    // Answered behind the first of theirs, however busy the machine is.
    await metric(port, 'glowplug_requests_in_flight');
    // What is written is written, and what does not fit waits.
    await sleep(500);
    process.kill(pid, 'SIGKILL');
    await nth(2);
    for (const { socket } of [...large, ...piped]) socket.resume();
    const read = async (all: typeof large) => await Promise.all(all.map(async ({ received }) => await received));
    for (const text of await read(large)) expect(/^HTTP\/1.1 200 [^{]*\r\n\r\nA+$/.test(text)).toBe(true);
    for (const text of await read(streams)) expect(text).toMatch(/^HTTP\/1.1 200 [^{]*\r\n\r\n5\r\nbegun\r\n$/);
    for (const text of [...(await read(waiting)), ...(await read(halves))])
      expect(text).toMatch(/^HTTP\/1.1 503 [\s\S]*"code":"SESSION_LOST"/);
    for (const text of await read(kept)) expect(answersIn(text)).toEqual({ statuses: [200, 503], rest: '' });
    let whole = 0;
    for (const text of await read(piped)) {
      const { statuses, rest } = answersIn(text);
      expect(statuses.slice(0, -1).every((status) => status === 200)).toBe(true);
      expect(rest.includes('SESSION_LOST')).toBe(false);
      whole += statuses.length;
    }
    expect(whole).toBeGreaterThan(100);
    console.log(
      `killed: 40 of 40 waiting told 503, 40 of 40 begun answers cut, 0 of 120 with another inside, ${whole} piped answers whole`,
    );
  });

  it('is stood in for until the next one listens: 503 and when to come again', async () => {
    const clock = handClock();
    const { nth, ready, events } = await supervised(work, { clock });
    const { port, pid } = await nth(1);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => events.length, patient).toBe(1);
    const between = await Promise.all(
      Array.from({ length: 50 }, async () => await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' })),
    );
    for (const response of between) {
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await response.json()).toMatchObject({ code: 'SERVER_BUSY' });
    }
    const starts = () => {
      clock.pass(1);
      return ready.length;
    };
    await expect.poll(starts, patient).toBe(2);
    expect(await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'back' })).text()).toBe('back');
    console.log('between two processes: 50 of 50 told 503 and Retry-After');
  });
});

describe('a connection that was handed over', () => {
  it('is a sign of life: a process that takes many at its own pace is not taken for a silent one', async () => {
    const busy = `const turn = () => { const end = Date.now() + 20; while (Date.now() < end); setImmediate(turn); };
      setImmediate(turn); ${work}`;
    const { nth, events } = await supervised(busy, { silenceMs: 1500 });
    const { port } = await nth(1);
    const sockets = await Promise.all(Array.from({ length: 250 }, () => rawSocket(port)));
    const last = await connected(port, post('last'));
    await expect.poll(() => last.socket.bytesRead, { timeout: 25_000 }).toBeGreaterThan(0);
    expect(events).toEqual([]);
    for (const socket of [...sockets, last.socket]) socket.destroy();
    console.log('handed over one by one: 251 of 251 to a process of 20 ms a turn, in its own time');
  });

  it('has its limits of time, may be half closed, and is let go by both', async () => {
    const { nth } = await supervised(work, { spec: { limits: { headersMs: 500, receiveMs: 1000, connections: 100 } } });
    const { port } = await nth(1);
    const open = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    const before = open();
    const slow = await connected(port, 'POST / HTTP/1.1\r\nhost');
    expect(await slow.received).toMatch(/^HTTP\/1.1 408 /);
    for (let at = 0; at < 300; at++) {
      const { socket, received } = await connected(port, post(`${at}`));
      socket.end();
      expect((await received).endsWith(`\r\n\r\n${at}`)).toBe(true);
    }
    const reset = await connected(port, get('/never'));
    reset.socket.resetAndDestroy();
    await expect.poll(open, patient).toBeLessThanOrEqual(before + 2);
    const many = await Promise.all(Array.from({ length: 120 }, () => connected(port, post('one'))));
    await expect.poll(() => many.filter(({ socket }) => socket.destroyed).length, patient).toBe(20);
    for (const { socket } of many) socket.destroy();
    await expect.poll(open, patient).toBeLessThanOrEqual(before + 2);
    expect(await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'on' })).text()).toBe('on');
    console.log('handed over: 300 of 300 half-closed answered, 20 of 120 over the limit closed, 0 left open');
  });
});
