import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { TensorProto_DataType as Type } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { handClock } from '../hand-clock.ts';
import { bytesOf, tinyGraph, tinyModel, value } from '../onnx/tiny-model.ts';
import { root } from '../root.ts';
import { busyModel } from './busy-model.ts';

const threads = { threads: 1 };
const irisFile = join(root, 'models/iris/iris.onnx');
const flower = () => ({ x: tensor('FP32', [1, 4], Float32Array.of(5.1, 3.5, 1.4, 0.2)) });
const busy = (n: number) => ({
  n: tensor('INT64', [1], BigInt64Array.of(BigInt(n))),
  x: tensor('FP32', [64, 64], new Float32Array(4096).fill(0.1)),
});

/** Every thread that a session started, so that a test can end one. */
const workers = vi.hoisted((): Worker[] => []);
vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>();
  class Seen extends real.Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      workers.push(this);
    }
  }
  return { ...real, Worker: Seen };
});

describe('a worker session', () => {
  let folder: string;
  let busyFile: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-worker-'));
    busyFile = join(folder, 'busy.onnx');
    await writeFile(busyFile, busyModel());
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  it('answers bit for bit what a session in this thread answers, with the same signature and bytes', async () => {
    await using here = await createOrtSession(irisFile, threads);
    await using there = await createWorkerSession(irisFile, threads);
    expect(there.signature).toEqual(here.signature);
    expect(there.bytes).toBe(here.bytes);
    expect(await there.run(flower())).toEqual(await here.run(flower()));
  });

  it('carries each kind of array there and back', async () => {
    const kinds: readonly [Tensor, number][] = [
      [tensor('BOOL', [1, 2], Uint8Array.of(1, 0)), Type.BOOL],
      [tensor('INT64', [1, 2], BigInt64Array.of(2n ** 53n + 1n, -1n)), Type.INT64],
      [tensor('BYTES', [1, 2], ['grüß', '']), Type.STRING],
      [tensor('FP64', [1, 2], Float64Array.of(0.1, Number.NaN)), Type.DOUBLE],
      [tensor('FP32', [0, 2], new Float32Array()), Type.FLOAT],
    ];
    const file = join(folder, 'kinds.onnx');
    const graph = tinyGraph({
      node: kinds.map((_, at) => ({ opType: 'Identity', input: [`x${at}`], output: [`y${at}`] })),
      input: kinds.map(([, type], at) => value(`x${at}`, [null, 2], type)),
      output: kinds.map(([, type], at) => value(`y${at}`, [null, 2], type)),
    });
    await writeFile(file, bytesOf(graph));
    await using session = await createWorkerSession(file, threads);
    const feeds = Object.fromEntries(kinds.map(([x], at) => [`x${at}`, x]));
    const wanted = Object.fromEntries(kinds.map(([x], at) => [`y${at}`, x]));
    expect(await session.run(feeds)).toEqual(wanted);
  });

  it('leaves the caller’s arrays alone, and takes them when they are given away', async () => {
    await using session = await createWorkerSession(irisFile, threads);
    const kept = flower();
    await session.run(kept);
    expect([...kept.x.data.slice(0, 1)]).toEqual([Math.fround(5.1)]);
    const given = flower();
    await session.run(given, { transfer: true });
    expect(given.x.data.byteLength).toBe(0);
    const shared = new Float32Array(8).fill(1);
    await session.run({ x: tensor('FP32', [1, 4], shared.subarray(4)) }, { transfer: true });
    expect(shared).toHaveLength(8);
  });

  it('keeps the codes of errors: of the file, of the feeds, of the run', async () => {
    const broken = join(folder, 'broken.onnx');
    await writeFile(broken, 'no model');
    await expect(createWorkerSession(broken, threads)).rejects.toMatchObject({ code: 'MODEL_INVALID', status: 422 });
    await using session = await createWorkerSession(irisFile, threads);
    await expect(session.run({})).rejects.toMatchObject({ code: 'INPUT_TENSOR' });

    const reshape = join(folder, 'reshape.onnx');
    const shape = { name: 'shape', dataType: Type.INT64, dims: [1n], int64Data: [7n] };
    await writeFile(
      reshape,
      bytesOf(
        tinyGraph({
          initializer: [shape],
          node: [{ opType: 'Reshape', input: ['x', 'shape'], output: ['y'] }],
          output: [value('y', ['M'])],
        }),
      ),
    );
    await using failing = await createWorkerSession(reshape, threads);
    const run = failing.run({ x: tensor('FP32', [1, 2], new Float32Array(2)) });
    await expect(run).rejects.toMatchObject({
      code: 'SESSION_FAILED',
      cause: { stack: expect.stringContaining('Reshape') },
    });
  });

  it('runs while this thread’s timers go on, which a session in this thread stops', async () => {
    const ticksDuring = async (create: typeof createOrtSession) => {
      await using session = await create(busyFile, threads);
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      await session.run(busy(5000));
      clearInterval(timer);
      return ticks;
    };
    expect(await ticksDuring(createOrtSession)).toBeLessThan(5);
    expect(await ticksDuring(createWorkerSession)).toBeGreaterThan(20);
  });

  it('whose thread ends: who waits gets 503, and the next run starts another', async () => {
    await using session = await createWorkerSession(irisFile, threads);
    const [before] = workers.slice(-1);
    const end = before!.terminate(); // Idle: during a run it would abort the process.
    await expect(session.run(flower())).rejects.toMatchObject({ code: 'SESSION_LOST' });
    await end;
    expect(Object.keys(await session.run(flower()))).toEqual(['class', 'probabilities']);
    expect(workers.at(-1)).not.toBe(before);
  });

  it('does not begin a run that was cancelled while it waited', async () => {
    let runs = 0;
    await using session = await createWorkerSession(busyFile, threads, { onRun: () => runs++ });
    const abort = new AbortController();
    const first = Array.from({ length: 4 }, () => session.run(busy(500)));
    const cancelled = session.run(busy(500), { signal: abort.signal });
    abort.abort(new Error('the client is gone'));
    await expect(cancelled).rejects.toThrow('the client is gone');
    await Promise.all(first);
    await expect(session.run(busy(1), { signal: abort.signal })).rejects.toThrow('the client is gone');
    expect(runs).toBe(4);
  });

  it('disposing waits for the runs, happens once, and later runs are refused', async () => {
    const session = await createWorkerSession(busyFile, threads);
    const runs = Array.from({ length: 9 }, () => session.run(busy(100)));
    const both = [session[Symbol.asyncDispose](), session[Symbol.asyncDispose]()];
    expect(await Promise.all(runs)).toHaveLength(9);
    await Promise.all(both);
    await expect(session.run(busy(1))).rejects.toMatchObject({ code: 'SESSION_FAILED' });
  });

  it('a run past its limit: everybody who waits is answered 503, and the host hears of it once', async () => {
    const clock = handClock();
    const stuck: GlowplugError[] = [];
    const session = await createWorkerSession(busyFile, threads, {
      clock,
      runLimitMs: 1000,
      onStuck: (error) => stuck.push(error),
    });
    const runs = Array.from({ length: 6 }, () => session.run(busy(20_000)));
    const answers = Promise.allSettled(runs);
    clock.pass(1001);
    const codes = (await answers).map((answer) => answer.status === 'rejected' && answer.reason.code);
    expect(codes).toEqual(Array(6).fill('SESSION_LOST'));
    expect(stuck).toHaveLength(1);
    await expect(session.run(busy(1))).rejects.toMatchObject({ code: 'SESSION_LOST', status: 503 });
    await session[Symbol.asyncDispose]();
  });

  it('an error that another copy of glowplug threw is one of glowplug’s here', () => {
    class Copy extends Error {
      readonly [brand] = true;
    }
    expect(new Copy()).toBeInstanceOf(GlowplugError);
    expect(new Error('plain')).not.toBeInstanceOf(GlowplugError);
    expect(tinyModel()).not.toBeInstanceOf(GlowplugError);
  });
});

const brand = Symbol.for('glowplug.error');
