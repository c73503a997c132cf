// Which split is chosen, over sessions whose times are known.
import { expect, it } from 'vitest';
import { measureBatches } from '../../src/session/measure-batches.ts';
import type { Session } from '../../src/session/session.ts';
import { tensor } from '../../src/tensor/tensor.ts';

/** One machine: a run of `rows` takes `time` ms when it has so many threads. */
function machine(time: (rows: number, threads: number) => number) {
  let open = 0;
  return {
    get open() {
      return open;
    },
    async session(threads: number): Promise<Session> {
      open++;
      return {
        signature: {
          inputs: { x: { datatype: 'FP32', shape: ['n', 1] } },
          outputs: { y: { datatype: 'FP32', shape: ['n', 1] } },
        },
        bytes: 10,
        async run({ x }) {
          const rows = x!.shape[0]!;
          await new Promise((resolve) => setTimeout(resolve, time(rows, threads)));
          return { y: tensor('FP32', [rows, 1], new Float32Array(rows)) };
        },
        async [Symbol.asyncDispose]() {
          open--;
        },
      };
    },
  };
}

const options = { threads: 4, p95: 1000, maxRows: 2, length: {}, maxBytes: 1000 };

it('takes more runs at once where threads do not make one faster, and closes what it opened', async () => {
  const flat = machine((rows) => 5 * rows);
  const { best, splits } = await measureBatches(flat.session, options);
  expect(splits.map(({ runs, threads }) => [runs, threads])).toEqual([
    [1, 4],
    [2, 2],
    [4, 1],
  ]);
  expect(best).toMatchObject({ runs: 4, threads: 1 });
  expect(flat.open).toBe(0);
});

it('gives one run all threads where they make it faster than more runs would be', async () => {
  const scales = machine((rows, threads) => 5 * rows * (4 / threads) ** 1.3);
  expect((await measureBatches(scales.session, options)).best).toMatchObject({ runs: 1, threads: 4 });
});

it('chooses within the objective, and opens no more sessions than fit', async () => {
  const fixed = machine((rows) => 20 + rows);
  const within = { ...options, p95: 45, maxBytes: 30 };
  const { splits, best } = await measureBatches(fixed.session, within);
  expect(splits.map(({ runs }) => runs)).toEqual([1, 2]);
  expect(2 * best.ms).toBeLessThanOrEqual(60);
});
