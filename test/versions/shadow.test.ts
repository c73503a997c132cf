// A shadow: another version on the same feeds, compared, and never waited for.
import { describe, expect, it } from 'vitest';
import type { Fields } from '../../src/core/log.ts';
import { ShadowRun } from '../../src/handler/shadow-run.ts';
import { fakeSession } from '../../src/session/fake.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { SessionFactory } from '../../src/session/session.ts';
import { difference } from '../../src/tensor/difference.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { adder, notOnnx, signature } from './adder.ts';
import { following, until } from './following.ts';

const use = { model: 'adder:prod', shadow: { model: 'adder:candidate' } };

describe('a shadow', () => {
  it('never delays an answer: forty are there while its first run has not ended', async () => {
    const never = Promise.withResolvers<never>();
    let shadowRuns = 0;
    let sessions = 0;
    // The second to be opened is the candidate.
    const createSession: SessionFactory = async (path, options) => {
      if (sessions++ === 0) return await createOrtSession(path, options);
      return fakeSession({
        signature,
        answer: async () => {
          shadowRuns++;
          return await never.promise;
        },
      });
    };
    await using f = await following({
      use,
      start: { 'adder:prod': adder(1), 'adder:candidate': adder(2) },
      createSession,
    });
    await f.warm();
    for (let request = 0; request < 40; request++) expect((await f.ask()).added).toBe(1);
    expect(shadowRuns).toBe(1);
    expect(f.lines).toEqual([]);
  });

  it('runs at the start of the next request where the host freezes after an answer', async () => {
    await using f = await following({ use, start: { 'adder:prod': adder(1), 'adder:candidate': adder(2) } });
    await f.warm();
    await f.ask({}, 'first');
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    expect(f.lines).toEqual([]);
    await f.ask({}, 'second');
    await until(() => f.lines.length > 0);
    expect(f.lines).toMatchObject([
      {
        level: 'warn',
        message: 'the shadow differs',
        fields: { requestId: 'first', output: 'y', difference: 1, tolerance: 0.001 },
      },
    ]);
  });

  it('runs after the answer where the host goes on', async () => {
    await using f = await following({
      use: { ...use, shadow: { ...use.shadow, tolerance: 1 } },
      start: { 'adder:prod': adder(1), 'adder:candidate': adder(2) },
      onLambda: false,
    });
    await f.warm();
    await f.ask({}, 'only');
    await until(() => f.lines.length > 0);
    expect(f.lines).toMatchObject([{ level: 'info', message: 'the shadow agrees', fields: { requestId: 'only' } }]);
  });

  it('compares what the model answered, also when the function writes into it', async () => {
    await using f = await following({
      use,
      start: { 'adder:prod': adder(1), 'adder:candidate': adder(1, { version: '1.1.0' }) },
      onLambda: false,
      async predict(model) {
        const x = tensor('FP32', [1, 2], Float32Array.of(0, 0));
        const { y } = await model.run({ x });
        x.data.fill(9);
        if (y?.datatype === 'FP32') y.data.fill(7);
        return { added: 7, said: 7 };
      },
    });
    await f.warm();
    await f.ask();
    await until(() => f.lines.length > 0);
    expect(f.lines).toMatchObject([{ message: 'the shadow agrees', fields: { difference: 0 } }]);
  });

  it('keeps one run at most: what comes while it waits is not even copied', async () => {
    const lines: string[] = [];
    const write = (_message: string, fields: Fields = {}) => void lines.push(String(fields['requestId']));
    const shadow = new ShadowRun({
      tolerance: 0,
      version: async () => adder(2).locked,
      lease: async () => await Promise.reject(new Error('no room')),
      clock: { now: () => 0, sleep: async () => {} },
      log: { info: write, warn: write, error: write },
    });
    const run = { version: adder(1).locked, feeds: {}, outputs: {} };
    for (const requestId of ['first', 'second']) shadow.offer({ ...run, requestId });
    await shadow.run();
    await shadow.run();
    expect(lines).toEqual(['first']);
  });

  it('that cannot be loaded is said once, and answers go on', async () => {
    await using f = await following({ use, start: { 'adder:prod': adder(1), 'adder:candidate': notOnnx(2) } });
    await f.warm();
    for (let request = 0; request < 10; request++) expect((await f.ask()).added).toBe(1);
    expect(f.lines).toMatchObject([{ level: 'warn', fields: { code: 'MODEL_INVALID' } }]);
  });
});

describe('the difference of two answers', () => {
  const fp32 = (...data: number[]) => tensor('FP32', [data.length], Float32Array.from(data));
  const half = (...data: number[]) => {
    const bits = new Uint16Array(Float16Array.from(data).buffer);
    return tensor('FP16', [data.length], bits);
  };
  const text = (...data: string[]) => tensor('BYTES', [data.length], data);
  it.each([
    ['equal', fp32(1, 2), fp32(1, 2), 0],
    ['absolute below 1', fp32(0.5), fp32(0.25), 0.25],
    ['relative above', fp32(100), fp32(150), 0.5],
    ['NaN on both sides', fp32(Number.NaN), fp32(Number.NaN), 0],
    ['NaN on one', fp32(1), fp32(Number.NaN), Number.POSITIVE_INFINITY],
    ['both infinite', fp32(Number.POSITIVE_INFINITY), fp32(Number.POSITIVE_INFINITY), 0],
    ['halves by their value, not their bits', half(1), half(1.5), 0.5],
    ['integers', tensor('INT64', [1], BigInt64Array.of(4n)), tensor('INT64', [1], BigInt64Array.of(5n)), 0.25],
    ['the same text', text('a'), text('a'), 0],
    ['another text', text('a'), text('b'), Number.POSITIVE_INFINITY],
    ['another shape', fp32(1, 2), fp32(1), Number.POSITIVE_INFINITY],
    ['another type', fp32(1), half(1), Number.POSITIVE_INFINITY],
  ])('%s', (_what, first, other, most) => {
    expect(difference({ y: first }, { y: other, more: other })).toMatchObject({ output: 'y', most });
  });

  it('is of the output that differs most, and infinite where one is absent', () => {
    const first = { a: fp32(1), b: fp32(1), c: fp32(1) };
    expect(difference(first, { a: fp32(1), b: fp32(3), c: fp32(2) })).toMatchObject({ output: 'b', most: 2 });
    expect(difference(first, { a: fp32(1), b: fp32(3) })).toMatchObject({
      output: 'c',
      most: Number.POSITIVE_INFINITY,
    });
    expect(difference({}, {})).toMatchObject({ output: undefined, most: 0 });
  });
});
