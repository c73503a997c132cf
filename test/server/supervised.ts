// A supervisor in the test's own process, over a function that is any code, and what it says.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import type { ServeSpec } from '../../src/server/serving-messages.ts';
import { supervise } from '../../src/server/supervisor.ts';

/** A bundle is any CommonJS module with such a handler: what it does to its process is the test's. */
export const handler = (fetch: string) =>
  `exports.handler = Object.assign(() => {}, { warm: async () => {}, fetch: async (request) => { ${fetch} } });`;

interface Options {
  readonly clock?: Clock;
  readonly silenceMs?: number;
  readonly start?: (folder: string) => ChildProcess;
  readonly spec?: Partial<ServeSpec>;
}

/** Supervises a process that serves `code`; it ends with the test. */
export async function supervised(code: string, { spec, start, ...options }: Options = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-supervised-'));
  await writeFile(join(folder, 'index.js'), code);
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
  const units = [{ kind: 'function' as const, name: 'work', folder }];
  const ended = new AbortController();
  const ready: { port: number; pid: number }[] = [];
  const events: string[] = [];
  let hear = Promise.withResolvers<void>();
  const done = supervise(
    { units, host: '127.0.0.1', port: 0, ...rest, ...spec },
    {
      signal: ended.signal,
      pauseMs: 1,
      ...options,
      ...(start ? { start: () => start(folder) } : {}),
      onEvent: (text) => events.push(text),
      onReady(serving) {
        ready.push(serving);
        hear.resolve();
        hear = Promise.withResolvers();
      },
    },
  );
  onTestFinished(async () => {
    ended.abort();
    await done.catch(() => {});
    await rm(folder, { recursive: true });
  });
  const nth = async (count: number) => {
    while (ready.length < count) await hear.promise;
    return ready[count - 1]!;
  };
  return { ended, done, events, ready, nth };
}
