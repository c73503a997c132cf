import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encoder } from '../../bench/models/encoder.ts';
import { fixedPace } from '../../src/batch/pace.ts';
import type { Signature } from '../../src/core/signature.ts';
import { type BatchOptions, batched } from '../../src/session/batched.ts';
import { fakeSession } from '../../src/session/fake.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { type Tensor, type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { handClock } from '../hand-clock.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { sampleModels } from '../onnx/sample-models.ts';

const objective = { p95: 100 };
const plain: Signature = {
  inputs: { x: { datatype: 'FP32', shape: ['N', 2] } },
  outputs: { y: { datatype: 'FP32', shape: ['N', 2] } },
};
const sequence: Signature = {
  inputs: {
    ids: { datatype: 'INT64', shape: ['N', 'S'] },
    mask: { datatype: 'INT64', shape: ['N', 'S'] },
  },
  outputs: { tokens: { datatype: 'INT64', shape: ['N', 'S'] }, first: { datatype: 'INT64', shape: ['N'] } },
};
const pad = { S: { ids: 7, mask: 0 } };

const row = (...numbers: number[]) => ({ x: tensor('FP32', [numbers.length / 2, 2], Float32Array.from(numbers)) });

/** Doubles x; a NaN in it makes the whole run fail. */
function setUp(options: Partial<BatchOptions> = {}) {
  const inner = fakeSession({
    signature: plain,
    answer(feeds) {
      const x = feeds['x'];
      if (x?.datatype !== 'FP32' || x.data.some(Number.isNaN)) throw new Error('NaN');
      return { y: { ...x, data: x.data.map((value) => 2 * value) } };
    },
  });
  return { inner, session: batched(inner, { objective, ...options }, undefined, () => fixedPace(64, 0)) };
}

describe('a batched session', () => {
  it('answers twenty at once with one run, each with its own rows', async () => {
    const { inner, session } = setUp();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => session.run(row(i, i + 0.5))));
    expect(answers.map(({ y }) => y?.data)).toEqual(
      Array.from({ length: 20 }, (_, i) => Float32Array.of(2 * i, 2 * i + 1)),
    );
    expect(inner.runs).toHaveLength(1);
  });

  it('passes a lone request on as it is', async () => {
    const { inner, session } = setUp();
    const feeds = row(1, 2, 3, 4);
    expect(await session.run(feeds)).toEqual({ y: tensor('FP32', [2, 2], Float32Array.of(2, 4, 6, 8)) });
    expect(inner.runs[0]).toBe(feeds);
  });

  it('splits what is larger than a run and puts it together again', async () => {
    const { inner, session } = setUp({ limits: { rows: 2 } });
    const { y } = await session.run(row(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    expect(y).toEqual(tensor('FP32', [5, 2], Float32Array.of(2, 4, 6, 8, 10, 12, 14, 16, 18, 20)));
    expect(inner.runs.map(({ x }) => x?.shape[0])).toEqual([2, 2, 1]);
  });

  it('refuses feeds that are not what the signature says before they meet anyone', async () => {
    const { inner, session } = setUp();
    await expect(session.run({ x: tensor('FP32', [1, 3], new Float32Array(3)) })).rejects.toMatchObject({
      code: 'INPUT_TENSOR',
    });
    expect(inner.runs).toHaveLength(0);
  });

  it('lets one bad row fail alone', async () => {
    const { session } = setUp();
    const outcomes = await Promise.allSettled(
      [row(1, 1), row(Number.NaN, 1), row(3, 3)].map((feeds) => session.run(feeds)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('runs a request without rows by itself: models differ in what they make of it', async () => {
    const { inner, session } = setUp();
    expect(await session.run(row())).toEqual({ y: tensor('FP32', [0, 2], new Float32Array()) });
    expect(inner.runs).toHaveLength(1);
  });

  it('answers all who wait before it disposes the session', async () => {
    const { inner, session } = setUp();
    const answer = session.run(row(1, 2));
    await session[Symbol.asyncDispose]();
    expect((await answer)['y']?.data).toEqual(Float32Array.of(2, 4));
    expect(inner.disposed).toBe(true);
    await expect(session.run(row(1, 2))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('lets a caller leave by its signal', async () => {
    const { inner, session } = setUp();
    const leaves = new AbortController();
    const gone = session.run(row(1, 2), { signal: leaves.signal });
    leaves.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    await session.run(row(3, 4));
    expect(inner.runs).toHaveLength(1);
  });

  it('reads its deadlines on the clock that it was given', async () => {
    const clock = handClock();
    const never = fakeSession({ signature: plain, answer: () => new Promise<never>(() => {}) });
    const session = batched(never, { objective }, clock);
    const late = expect(session.run(row(1, 2), { deadline: 50 })).rejects.toMatchObject({ code: 'DEADLINE' });
    await clock.run(51);
    await late;
  });
});

describe('rows of different lengths', () => {
  const ids = (...numbers: number[]): Tensors => ({
    ids: tensor('INT64', [1, numbers.length], BigInt64Array.from(numbers, BigInt)),
    mask: tensor('INT64', [1, numbers.length], new BigInt64Array(numbers.length).fill(1n)),
  });
  const echo = (options: Partial<BatchOptions>) => {
    const inner = fakeSession({
      signature: sequence,
      answer({ ids: tokens }) {
        if (tokens?.datatype !== 'INT64') return {};
        const [rows = 0, length = 0] = tokens.shape;
        return {
          tokens,
          first: tensor(
            'INT64',
            [rows],
            BigInt64Array.from({ length: rows }, (_, at) => tokens.data[at * length]!),
          ),
        };
      },
    });
    return { inner, session: batched(inner, { objective, ...options }, undefined, () => fixedPace(64, 0)) };
  };

  it('do not meet when the model does not say how to fill them up', async () => {
    const { inner, session } = echo({});
    await Promise.all([ids(1, 2, 3), ids(4, 5), ids(6, 7, 8)].map((feeds) => session.run(feeds)));
    expect(inner.runs.map((feeds) => feeds['ids']?.shape)).toEqual([
      [2, 3],
      [1, 2],
    ]);
  });

  it('are filled up as the model says, masked, and cut back', async () => {
    const { inner, session } = echo({ pad });
    const long = Array.from({ length: 16 }, (_, at) => at);
    const answers = await Promise.all([session.run(ids(...long.slice(0, 15))), session.run(ids(...long))]);
    expect(inner.runs).toHaveLength(1);
    expect(inner.runs[0]?.['ids']?.data).toEqual(BigInt64Array.from([...long.slice(0, 15), 7, ...long], BigInt));
    expect(inner.runs[0]?.['mask']?.data[15]).toBe(0n);
    expect(answers.map(({ tokens }) => tokens?.shape)).toEqual([
      [1, 15],
      [1, 16],
    ]);
    expect(answers[0]?.['tokens']?.data).toEqual(BigInt64Array.from(long.slice(0, 15), BigInt));
    expect(answers.map(({ first }) => first?.shape)).toEqual([[1], [1]]);
    expect(session.stats.paddingShare).toBeCloseTo(1 / 32);
  });

  it('meet only when they are near enough', async () => {
    const { inner, session } = echo({ pad });
    await Promise.all([ids(1, 2), ids(...new Array<number>(40).fill(3))].map((feeds) => session.run(feeds)));
    expect(inner.runs).toHaveLength(2);
  });

  it('give a real encoder’s answers as alone, though filled up', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'encoder.onnx');
    await writeFile(path, encoder({ layers: 2, width: 32, heads: 4, vocabulary: 50 }));
    const alone = await createOrtSession(path, { threads: 1 });
    await using session = batched(
      await createOrtSession(path, { threads: 1 }),
      { objective, pad: { sequence: { input_ids: 0, attention_mask: 0 } } },
      undefined,
      () => fixedPace(64, 0),
    );
    const requests = Array.from({ length: 30 }, (_, i): Tensors => {
      const length = 1 + (i % 16);
      const tokens = BigInt64Array.from({ length }, (_unused, at) => BigInt((i + at) % 50));
      return {
        input_ids: tensor('INT64', [1, length], tokens),
        attention_mask: tensor('INT64', [1, length], new BigInt64Array(length).fill(1n)),
      };
    });
    const answers = await Promise.all(requests.map((feeds) => session.run(feeds)));
    for (const [at, feeds] of requests.entries()) {
      expectClose(answers[at]!['last_hidden_state']!, (await alone.run(feeds))['last_hidden_state']!);
    }
    expect(session.stats.runs).toBeLessThan(requests.length / 2);
    expect(session.stats.paddingShare).toBeGreaterThan(0);
    await alone[Symbol.asyncDispose]();
  });
});

describe('a real model', () => {
  it('answers many at once as it answers each alone', async () => {
    const alone = await createOrtSession(sampleModels['iris']!, { threads: 1 });
    await using session = batched(await createOrtSession(sampleModels['iris']!, { threads: 1 }), { objective });
    const requests = Array.from({ length: 200 }, (_, i) => {
      const rows = 1 + (i % 3);
      return {
        x: tensor(
          'FP32',
          [rows, 4],
          Float32Array.from({ length: 4 * rows }, (_unused, at) => (i % 7) + at / 10),
        ),
      };
    });
    const answers = await Promise.all(requests.map((feeds) => session.run(feeds)));
    for (const [at, feeds] of requests.entries()) {
      const expected = await alone.run(feeds);
      expect(answers[at]!['class']).toEqual(expected['class']);
      expectClose(answers[at]!['probabilities']!, expected['probabilities']!);
    }
    expect(session.stats.runs).toBeLessThan(requests.length);
    await alone[Symbol.asyncDispose]();
  });
});

describe('batch is refused, with what was expected,', () => {
  const withSignature = (signature: Signature, options: Partial<BatchOptions> = {}) =>
    batched(fakeSession({ signature, answer: () => ({}) }), { objective, ...options });

  it.each<[string, () => unknown, string]>([
    [
      'for an input without a free first dimension',
      () => withSignature({ ...plain, inputs: { x: { datatype: 'FP32', shape: [1, 2] } } }),
      'batch: expected a free first dimension of input "x" to join rows along, got [1,2]',
    ],
    [
      'for an output of one for all',
      () => withSignature({ ...plain, outputs: { y: { datatype: 'FP32', shape: [] } } }),
      'batch: expected a free first dimension of output "y" to join rows along, got []',
    ],
    [
      'for padding of a dimension that is not there',
      () => withSignature(plain, { pad }),
      'batch: expected to pad a free dimension of an input, got "S"',
    ],
    [
      'for padding that leaves an input out',
      () => withSignature(sequence, { pad: { S: { ids: 0 } } }),
      'batch: expected a value to fill ids, mask along "S", got {"ids":0}',
    ],
    [
      'for padding that an output could not be freed of',
      () => withSignature({ ...sequence, outputs: { y: { datatype: 'FP32', shape: ['N', '?'] } } }, { pad }),
      'batch: expected free dimensions of output "y" that an input has, to cut the padding off again, got ["N","?"]',
    ],
    [
      'without an objective',
      () => withSignature(plain, { objective: { p95: 0 } }),
      'batch: expected objective.p95 in milliseconds, over 0; got 0',
    ],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(message);
  });
});

function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const [left, right] = [actual, expected].map(({ data }) => [...data].map(Number)) as [number[], number[]];
  const difference = Math.max(...left.map((value, at) => Math.abs(value - right[at]!)));
  expect(difference).toBeLessThan(1e-4);
}
