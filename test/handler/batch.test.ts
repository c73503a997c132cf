// `batch` on a model of a function, over the real environment: requests that meet share runs of one session.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import iris from '../../models/iris.ts';
import { type Contract, readContract } from '../../src/core/contract.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction } from '../../src/handler/define.ts';
import { Environment } from '../../src/handler/environment.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { publish } from '../../src/models/publish.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import type { BatchOptions } from '../../src/session/batched.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Runtime, Session, SessionOptions } from '../../src/session/session.ts';

let folder = '';
let contract: Contract;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glowplug-batch-'));
  const [store, cache, lock] = ['store', 'cache', 'models.lock.json'].map((name) => join(folder, name));
  contract = readContract({ GLOWPLUG_STORE: store, GLOWPLUG_CACHE: cache, GLOWPLUG_LOCK: lock });
  const built = await buildVersion(iris, resolve(import.meta.dirname, '../..'));
  await publish(await openStore(contract), built);
  await writeFile(contract.lockFile, serializeLock({ lockVersion: 1, models: { 'iris:prod': built.locked } }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Functions of one environment, one for each way to batch iris; counts what its sessions do. */
function setUp(...ways: (BatchOptions | undefined)[]) {
  return over({}, ways);
}

function over(runtime: Pick<Runtime, 'prepare'>, ways: readonly (BatchOptions | undefined)[]) {
  const seen = { sessions: 0, runs: 0, disposed: 0, bytes: 0, threads: new Set<number>() };
  const environment = new Environment(contract, { create, ...runtime });
  async function create(path: string, options: SessionOptions): Promise<Session> {
    const inner = await createOrtSession(path, options);
    seen.sessions++;
    seen.bytes = inner.bytes;
    seen.threads.add(options.threads);
    return {
      signature: inner.signature,
      bytes: inner.bytes,
      run(feeds) {
        seen.runs++;
        return inner.run(feeds);
      },
      async [Symbol.asyncDispose]() {
        seen.disposed++;
        await inner[Symbol.asyncDispose]();
      },
    };
  }
  const functions = ways.map((batch) =>
    defineFunction({ models: { iris: batch ? { model: 'iris:prod', batch } : 'iris:prod' } }, () => environment),
  );
  return { environment, functions, seen };
}

const post = (x: number) =>
  new Request('https://iris.example/', {
    method: 'POST',
    body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [x, 3.5, 1.4, 0.2] }] }),
  });

describe('batch on a model of a function', () => {
  it('answers requests that meet as it answers each alone, with fewer runs', async () => {
    const { environment, functions, seen } = setUp({ objective: { p95: 100 } }, undefined);
    await using _environment = environment;
    const [meeting, alone] = functions;
    await meeting!.warm();
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const response = await meeting!.fetch(post(4 + (i % 40) / 10), createContext());
        return { status: response.status, body: JSON.parse(await response.text()) };
      }),
    );
    expect(seen.sessions).toBe(1);
    expect(seen.runs).toBeLessThan(60);
    for (const [i, { status, body }] of answers.entries()) {
      expect(status).toBe(200);
      const own = JSON.parse(await (await alone!.fetch(post(4 + (i % 40) / 10), createContext())).text());
      expect(body.outputs[0]).toEqual(own.outputs[0]);
      for (const [at, share] of own.outputs[1].data.entries()) expect(body.outputs[1].data[at]).toBeCloseTo(share, 5);
    }
  });

  it('opens one session for functions that batch alike, and one more for another way', async () => {
    const batch = { objective: { p95: 100 } };
    const { environment, functions, seen } = setUp(batch, { ...batch }, { objective: { p95: 5 } }, undefined);
    await using _environment = environment;
    await Promise.all(functions.map((one) => one.fetch(post(5), createContext())));
    expect(seen.sessions).toBe(3);
  });

  it('opens a session for each of several runs at once, with its part of the threads and of the budget', async () => {
    const batch = { objective: { p95: 100 }, runs: 2 };
    const { environment, functions, seen } = setUp(batch);
    await using _environment = environment;
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, i) => functions[0]!.fetch(post(4 + i / 10), createContext())),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(seen).toMatchObject({ sessions: 2, disposed: 0 });
    expect([...seen.threads]).toEqual([Math.max(1, Math.floor(availableParallelism() / 2))]);
    expect(environment.sessionBytes).toBe(2 * seen.bytes);
  });

  it('opens one where sessions run in this thread: a second run would wait for the first', async () => {
    const { environment, functions, seen } = over({ prepare: async () => ({ followsWrites: false }) }, [
      { objective: { p95: 100 }, runs: 2 },
    ]);
    await using _environment = environment;
    expect((await functions[0]!.fetch(post(5), createContext())).status).toBe(200);
    expect(seen.sessions).toBe(1);
  });

  it('says what is wrong with an option, and leaves no session behind', async () => {
    const { environment, functions, seen } = setUp({ objective: { p95: 100 }, pad: { sequence: { x: 0 } } });
    await using _environment = environment;
    const response = await functions[0]!.fetch(post(5), createContext({ log: { info() {}, warn() {}, error() {} } }));
    expect([response.status, JSON.parse(await response.text()).code]).toEqual([500, 'CONFIG_INVALID']);
    expect(seen.disposed).toBe(seen.sessions);
  });
});
