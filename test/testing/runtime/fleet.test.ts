// How many environments there are: enough for the requests, no more than help, and none for longer than it is used.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { behaviour } from '../behaviour.ts';
import { harness } from './harness.ts';

/** Answers with its process once the file `gate` is there, and tells by another file that it runs. */
const gated = `
  import { existsSync, rmSync, writeFileSync } from 'node:fs';
  export const handler = async ({ gate }) => {
    if (gate) writeFileSync(gate + '-reached', '');
    while (gate && !existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5));
    return process.pid;
  };`;

const reached = (gate: string) => expect.poll(() => existsSync(`${gate}-reached`), { timeout: 10_000 }).toBe(true);

describe('concurrency', () => {
  behaviour(
    'Requests over the reserved concurrency are throttled; those that came before are answered',
    'AWS Lambda Developer Guide: Configuring reserved concurrency for a function',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(gated, { reservedConcurrency: 2 });
      const gate = join(cloud.folder, 'gate');
      const running = [fn.call({ gate }), fn.call({ gate })];
      expect((await fn.call({ gate })).outcome).toEqual({
        kind: 'throttled',
        reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      });
      writeFileSync(gate, '');
      expect((await Promise.all(running)).map(({ outcome }) => outcome.kind)).toEqual(['response', 'response']);
      expect((await fn.call()).outcome.kind).toBe('response');
    },
  );

  behaviour(
    'A reserved concurrency of 0 throttles every request',
    'AWS Lambda Developer Guide: Configuring reserved concurrency for a function',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(gated, { reservedConcurrency: 0 });
      expect((await fn.call()).outcome.kind).toBe('throttled');
      expect(fn.local.live).toBe(0);
    },
  );

  behaviour(
    'More than 1,000 requests at once in the account are throttled',
    'AWS Lambda Developer Guide: Understanding Lambda function scaling',
    async () => {
      await using cloud = harness({ limit: 2 });
      const fn = cloud.add('export const handler = async () => 1;');
      const kinds = await Promise.all(Array.from({ length: 1_001 }, async () => (await fn.call()).outcome));
      expect(kinds.filter(({ kind }) => kind === 'response')).toHaveLength(1_000);
      expect(kinds.at(-1)).toEqual({ kind: 'throttled', reason: 'ConcurrentInvocationLimitExceeded' });
    },
  );

  behaviour(
    'Requests that wait take whichever environment is free first',
    'AWS Compute Blog: Understanding AWS Lambda scaling and throughput',
    async () => {
      await using cloud = harness({ limit: 1 });
      const fn = cloud.add(gated);
      const gate = join(cloud.folder, 'gate');
      const pids = [fn.value({ gate }), fn.value(), fn.value()];
      writeFileSync(gate, '');
      expect(new Set(await Promise.all(pids)).size).toBe(1);
    },
  );

  it('50 requests at once that take 50 ms each are all answered, by no more environments than the machine carries', async () => {
    await using cloud = harness();
    const fn = cloud.add(`export const handler = async ({ i }) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { i, pid: process.pid };
    };`);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => fn.value<{ i: number; pid: number }>({ i })),
    );
    expect(answers.map(({ i }) => i)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(new Set(answers.map(({ pid }) => pid)).size).toBeGreaterThan(1);
    expect(fn.local.live).toBeLessThanOrEqual(cloud.fleet.limit);
  });

  it('200 quick requests at once are all answered, by far fewer environments', async () => {
    await using cloud = harness();
    const fn = cloud.add('export const handler = async () => process.pid;');
    const pids = await Promise.all(Array.from({ length: 200 }, () => fn.value()));
    expect(pids).toHaveLength(200);
    expect(new Set(pids).size).toBeLessThanOrEqual(cloud.fleet.limit);
  });

  it('no more than 2 × cores environments boot at once', async () => {
    await using cloud = harness({ limit: 100 });
    const fn = cloud.add(
      'await new Promise((resolve) => setTimeout(resolve, 100)); export const handler = async () => 1;',
    );
    const answers = Array.from({ length: 30 }, () => fn.call());
    expect(fn.local.live).toBe(2 * availableParallelism());
    await Promise.all(answers);
  });

  it('at the limit the log says that requests wait for the machine, once', async () => {
    await using cloud = harness({ limit: 1 });
    const fn = cloud.add('export const handler = async () => new Promise((resolve) => setTimeout(resolve, 50));');
    await fn.call();
    await Promise.all(Array.from({ length: 30 }, () => fn.call()));
    expect(fn.local.log.text.match(/1 environments live, as many as this machine carries/g)).toHaveLength(1);
  });

  it('an environment that cannot be started answers who waits, and is tried again', async () => {
    await using cloud = harness();
    const fn = cloud.add(gated);
    const environments = join(cloud.folder, 'cloud', 'environments');
    writeFileSync(environments, 'a file where a folder is needed');
    const { outcome, value } = await fn.call();
    expect(outcome.kind).toBe('error');
    expect(value).toMatchObject({ errorType: 'Sandbox.StartFailed' });
    rmSync(environments);
    expect(await fn.value()).toEqual(expect.any(Number));
  });

  it('at the limit an idle environment of another function makes room, and the first of a function always fits', async () => {
    await using cloud = harness({ limit: 1 });
    const [one, other] = [cloud.add(gated), cloud.add(gated)];
    await one.value();
    await other.value();
    expect([one.local.live, other.local.live]).toEqual([1, 1]);
    const gate = join(cloud.folder, 'gate');
    const busy = other.value({ gate });
    const waiting = other.value();
    await expect.poll(() => one.local.live).toBe(0);
    writeFileSync(gate, '');
    await Promise.all([busy, waiting]);
  });

  it('a request whose caller has gone is taken out of the queue', async () => {
    await using cloud = harness({ limit: 1 });
    const fn = cloud.add(gated);
    const gate = join(cloud.folder, 'gate');
    const running = fn.value({ gate });
    const caller = new AbortController();
    const waiting = fn.call({}, { signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect(fn.local.inFlight).toBe(1);
    writeFileSync(gate, '');
    await running;
  });

  behaviour(
    'An environment that has been idle for a while is ended, and its /tmp with it',
    'AWS Lambda Developer Guide: Understanding the Lambda execution environment lifecycle',
    async () => {
      await using cloud = harness({ idleMs: 50 });
      const fn = cloud.add(gated);
      const pid = await fn.value();
      await expect.poll(() => fn.local.live).toBe(0);
      expect(await fn.value()).not.toBe(pid);
    },
  );
});

describe('a new version of a function', () => {
  it('takes over those who wait, while those who run finish on the old one', async () => {
    await using cloud = harness({ limit: 1 });
    const old = cloud.add(gated);
    const gate = join(cloud.folder, 'gate');
    const running = old.call({ gate });
    const waiting = old.call();
    await reached(gate);
    const next = cloud.add('export const handler = async () => "new";');
    const retired = cloud.fleet.retire(old.local, next.local);
    expect((await waiting).value).toBe('new');
    writeFileSync(gate, '');
    expect((await running).value).toEqual(expect.any(Number));
    await retired;
    expect(old.local.live).toBe(0);
  });

  it('stopping the fleet answers everybody: who runs with an exit, who waits with an error', async () => {
    const cloud = harness({ limit: 1 });
    const fn = cloud.add(gated);
    const gate = join(cloud.folder, 'never');
    const running = fn.call({ gate });
    await reached(gate);
    const waiting = expect(fn.call()).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('was stopped'),
    });
    await cloud[Symbol.asyncDispose]();
    await waiting;
    expect((await running).value).toMatchObject({ errorType: 'Runtime.ExitError' });
  });
});
