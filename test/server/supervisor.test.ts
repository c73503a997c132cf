import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import type { ServeSpec } from '../../src/server/serving-messages.ts';
import { supervise } from '../../src/server/supervisor.ts';
import { handClock } from '../hand-clock.ts';

/** A bundle is any CommonJS module with such a handler: what it does to its process is the test's. */
const handler = (fetch: string) =>
  `exports.handler = Object.assign(() => {}, { warm: async () => {}, fetch: async (request) => { ${fetch} } });`;

describe('the supervisor', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-supervisor-'));
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  async function specOf(name: string, code: string, more: Partial<ServeSpec> = {}): Promise<ServeSpec> {
    const bundle = join(folder, name);
    await mkdir(bundle);
    await writeFile(join(bundle, 'index.js'), code);
    const units = [{ kind: 'function' as const, name, folder: bundle }];
    const rest = {
      grpcPort: undefined,
      sagemaker: false,
      apiKeys: [],
      cors: [],
      limits: {},
      providers: {},
      modelsMb: undefined,
      drainMs: 5000,
      runLimitMs: 60_000,
    };
    return { units, host: '127.0.0.1', port: 0, ...rest, ...more };
  }

  function run(spec: ServeSpec, more: { clock?: Clock; start?: () => ChildProcess } = {}) {
    const ended = new AbortController();
    const ready: { port: number; pid: number }[] = [];
    const events: string[] = [];
    let hear = Promise.withResolvers<void>();
    const done = supervise(spec, {
      signal: ended.signal,
      pauseMs: 1,
      ...more,
      onEvent: (text) => events.push(text),
      onReady(serving) {
        ready.push(serving);
        hear.resolve();
        hear = Promise.withResolvers();
      },
    });
    const nth = async (count: number) => {
      while (ready.length < count) await hear.promise;
      return ready[count - 1]!;
    };
    return { ended, done, events, ready, nth };
  }

  it('gives up with a clear message on a process that dies at each start', async () => {
    await writeFile(join(folder, 'dying.js'), 'process.exit(3)');
    const { done, events } = run(await specOf('dying', ''), { start: () => fork(join(folder, 'dying.js')) });
    await expect(done).rejects.toMatchObject({
      message:
        'expected the serving process to stay up, it died 5 times in a row before it was ready; at last: with exit code 3',
    });
    expect(events).toHaveLength(4);
  });

  it('says what a bundle that cannot be loaded fails with, and does not try again', async () => {
    const { done, events } = run(await specOf('broken', 'throw new Error("no such thing");'));
    await expect(done).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('no such thing'),
    });
    expect(events).toEqual([]);
  });

  it('replaces a process whose event loop a function never gives back', async () => {
    const code = handler(`if (request.url.endsWith('/hang')) for (;;); return new Response('fine');`);
    const clock = handClock();
    const { ended, done, events, ready, nth } = run(await specOf('hanging', code), { clock });
    const { port, pid } = await nth(1);
    const url = `http://127.0.0.1:${port}`;
    const hung = fetch(`${url}/hang`).then(
      () => 'answered',
      () => 'cut',
    );
    // It answers what it was asked before it took the request; then it answers no more.
    const tick = async () => {
      clock.pass(10_000);
      return await Promise.race([hung, new Promise((later) => setImmediate(later, 'hangs'))]);
    };
    await expect.poll(tick, { timeout: 10_000 }).toBe('cut');
    // The pause before the next start begins when the process is gone, which is after its sockets are.
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
    expect(events).toEqual(['the serving process ended (by SIGKILL); the next one starts in 1 ms']);
  });

  it('a process that does not end within the drain limit cuts its requests and ends', async () => {
    const code = handler(`if (request.url.endsWith('/slow')) return new Promise(() => {}); return new Response();`);
    const { ended, done, nth } = run(await specOf('slow', code, { drainMs: 100 }));
    const { port } = await nth(1);
    const cut = fetch(`http://127.0.0.1:${port}/slow`).then(
      () => 'answered',
      () => 'cut',
    );
    await expect
      .poll(async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), { timeout: 10_000 })
      .toContain('glowplug_requests_in_flight 2');
    ended.abort();
    await done;
    expect(await cut).toBe('cut');
  });
});
