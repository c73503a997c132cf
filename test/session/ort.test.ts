// A plain session blocks its thread while it runs: what can still be stopped is what has not begun.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataType as Type } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Session } from '../../src/session/session.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';
import { busyModel } from './busy-model.ts';

describe('a session in this thread', () => {
  let folder: string;
  let session: Session;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-ort-'));
    await writeFile(join(folder, 'busy.onnx'), busyModel());
    const reshape = {
      input: [value('x', [4]), value('shape', [2], Type.INT64)],
      output: [value('y', ['a', 'b'])],
      node: [{ opType: 'Reshape', input: ['x', 'shape'], output: ['y'] }],
    };
    await writeFile(join(folder, 'reshape.onnx'), bytesOf(tinyGraph(reshape)));
    session = await createOrtSession(join(folder, 'busy.onnx'), { threads: 1 });
  });

  afterAll(async () => {
    await session[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const busy = (times: number) => ({
    n: tensor('INT64', [1], BigInt64Array.of(BigInt(times))),
    x: tensor('FP32', [64, 64], new Float32Array(64 * 64).fill(0.01)),
  });

  it('does not begin a run whose signal has aborted', async () => {
    const gone = AbortSignal.abort(new Error('the client is gone'));
    await expect(session.run(busy(1), { signal: gone })).rejects.toThrow('the client is gone');
  });

  it('hears an abort between two runs: those behind are not begun, and who comes later is answered', async () => {
    const deadline = new AbortController();
    const { signal } = deadline;
    const runs = Array.from({ length: 10 }, () => session.run(busy(1), { signal }));
    // A timer cannot fire while a run blocks the thread: it has its turn between two.
    void runs[0]?.then(() => setTimeout(() => deadline.abort(new Error('too late')), 0));
    const outcomes = await Promise.allSettled(runs);
    const answered = outcomes.findIndex(({ status }) => status === 'rejected');
    expect(answered).toBeGreaterThan(0);
    expect(outcomes.slice(answered).every(({ status }) => status === 'rejected')).toBe(true);
    expect(Object.keys(await session.run(busy(1)))).toEqual(['y']);
  });

  it('a run that fails does not keep the next from its turn', async () => {
    await using reshapes = await createOrtSession(join(folder, 'reshape.onnx'), { threads: 1 });
    const into = (rows: number) => ({
      x: tensor('FP32', [4], new Float32Array(4)),
      shape: tensor('INT64', [2], BigInt64Array.of(BigInt(rows), 2n)),
    });
    const outcomes = await Promise.allSettled([reshapes.run(into(3)), reshapes.run(into(2))]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'SESSION_FAILED' } },
      { status: 'fulfilled' },
    ]);
  });
});
