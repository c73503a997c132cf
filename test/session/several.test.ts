import { expect, it } from 'vitest';
import { batched } from '../../src/session/batched.ts';
import type { Session, SessionFactory, SessionOptions } from '../../src/session/session.ts';
import { severalAtOnce } from '../../src/session/several.ts';
import { tensor } from '../../src/tensor/tensor.ts';

const spec = { datatype: 'FP32', shape: ['n', 1] } as const;

/** Sessions that run until they are let. */
function slow(fail = Number.POSITIVE_INFINITY) {
  const opened: SessionOptions[] = [];
  const state = { open: 0, running: 0, most: 0 };
  let gate = Promise.withResolvers<void>();
  const create: SessionFactory = async (_path, options): Promise<Session> => {
    if (opened.push(options) > fail) throw new Error('no memory');
    state.open++;
    let own = 0;
    return {
      signature: { inputs: { x: spec }, outputs: { x: spec } },
      bytes: 10,
      async run(feeds) {
        own++;
        expect(own).toBe(1);
        state.most = Math.max(state.most, ++state.running);
        await gate.promise;
        state.running--;
        own--;
        return feeds;
      },
      async [Symbol.asyncDispose]() {
        state.open--;
      },
    };
  };
  return {
    create,
    opened,
    state,
    let() {
      gate.resolve();
      gate = Promise.withResolvers<void>();
    },
  };
}

const row = (value: number) => ({ x: tensor('FP32', [1, 1], Float32Array.of(value)) });

it('runs so many batches at once, each in the session that is free, with its part of the threads', async () => {
  const { create, opened, state, let: go } = slow();
  const session = await severalAtOnce(create, 3)('model.onnx', { threads: 7 });
  expect(opened.map(({ threads }) => threads)).toEqual([2, 2, 2]);
  expect(session.bytes).toBe(30);
  const meeting = batched(session, { objective: { p95: 100 }, runs: 3, limits: { rows: 1 } });
  const answers = Promise.all(Array.from({ length: 5 }, (_, at) => meeting.run(row(at))));
  await expect.poll(() => state.running).toBe(3);
  go();
  await expect.poll(() => state.running).toBe(2);
  go();
  expect((await answers).map(({ x }) => x?.data[0])).toEqual([0, 1, 2, 3, 4]);
  expect(state.most).toBe(3);
  await meeting[Symbol.asyncDispose]();
  expect(state.open).toBe(0);
});

it('closes those that were opened when one cannot be', async () => {
  const { create, state } = slow(2);
  await expect(severalAtOnce(create, 3)('model.onnx', { threads: 3 })).rejects.toThrow('no memory');
  expect(state.open).toBe(0);
});

it.each([0, 65, 1.5, Number.NaN])('refuses %d runs at once', async (runs) => {
  const session = await slow().create('model.onnx', { threads: 1 });
  expect(() => batched(session, { objective: { p95: 100 }, runs })).toThrow('expected runs from 1 to 64');
});
