import { fork } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { handClock } from '../hand-clock.ts';
import { handler, supervised } from './supervised.ts';

describe('the supervisor', () => {
  it('gives up with a clear message on a process that dies at each start', async () => {
    const start = (folder: string) => fork(join(folder, 'index.js'));
    const { done, events } = await supervised('process.exit(3)', { start });
    await expect(done).rejects.toMatchObject({
      message:
        'expected the serving process to stay up, it died 5 times in a row before it was ready; at last: with exit code 3',
    });
    expect(events).toHaveLength(4);
  });

  it('says what a bundle that cannot be loaded fails with, and does not try again', async () => {
    const { done, events } = await supervised('throw new Error("no such thing");');
    await expect(done).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('no such thing'),
    });
    expect(events).toEqual([]);
  });

  it('replaces a process whose event loop a function never gives back', async () => {
    const code = handler(`if (request.url.endsWith('/hang')) for (;;); return new Response('fine');`);
    const clock = handClock();
    const { ended, done, events, ready, nth } = await supervised(code, { clock });
    const { port, pid } = await nth(1);
    const url = `http://127.0.0.1:${port}`;
    const hung = fetch(`${url}/hang`).then(({ status }) => status);
    // It answers what it was asked before it took the request; then it answers no more.
    const tick = async () => {
      clock.pass(10_000);
      return await Promise.race([hung, new Promise((later) => setImmediate(later, 'hangs'))]);
    };
    await expect.poll(tick, { timeout: 10_000 }).toBe(503);
    // The pause before the next start begins when the process is gone.
    const starts = () => {
      clock.pass(1);
      return ready.length;
    };
    await expect.poll(starts, { timeout: 10_000 }).toBe(2);
    const second = await nth(2);
    expect(second.port).toBe(port);
    expect(second.pid).not.toBe(pid);
    expect(await (await fetch(url)).text()).toBe('fine');
    ended.abort();
    await done;
    expect(events).toEqual([
      'the serving process ended (its event loop did not answer for 30 s: move what keeps it busy out of decode, predict and encode, into a worker thread, by SIGKILL); the next one starts in 1 ms',
    ]);
  });

  it('tries again with one that blocks while it warms, and says in the end what it did', async () => {
    const code = 'exports.handler = Object.assign(() => {}, { warm: async () => { for (;;); }, fetch() {} });';
    const clock = handClock();
    const { done, events } = await supervised(code, { clock, silenceMs: 400 });
    const over = done.catch((error: Error) => error.message);
    const tick = async () => {
      clock.pass(100);
      return await Promise.race([over, new Promise((later) => setImmediate(later))]);
    };
    await expect
      .poll(tick, { timeout: 20_000 })
      .toMatch(
        /^expected the serving process to stay up, it died 5 times in a row .* its event loop did not answer for 0.4 s/,
      );
    expect(events).toHaveLength(4);
  });

  it('a process that does not end within the drain limit cuts its requests and ends', async () => {
    const code = handler(`if (request.url.endsWith('/slow')) return new Promise(() => {}); return new Response();`);
    const { ended, done, nth } = await supervised(code, { spec: { drainMs: 100 } });
    const { port } = await nth(1);
    const cut = fetch(`http://127.0.0.1:${port}/slow`).then(({ status }) => status);
    await expect
      .poll(async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), { timeout: 10_000 })
      .toContain('glowplug_requests_in_flight 2');
    ended.abort();
    await done;
    expect(await cut).toBe(503);
  });
});
