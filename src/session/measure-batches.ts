// The curve time(rows) of a session on this machine, and what the self-tuned pace makes of it.
import { checkBatchable } from '../batch/bucket.ts';
import { type Chosen, selfTuned } from '../batch/pace.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { madeUpFeeds } from './made-up-feeds.ts';
import { joinRows, splitRows } from './rows.ts';
import type { Session } from './session.ts';

export interface Measured {
  /** Medians, each size in turn. */
  readonly curve: readonly { readonly rows: number; readonly ms: number; readonly msPerRow: number }[];
  readonly chosen: Chosen;
  /** Whether more than one row a run is worth it. */
  readonly worth: boolean;
  /** Largest difference between rows answered together and alone; undefined where no output is a float. */
  readonly same: number | undefined;
}

/** The sizes go round this many times; one that takes longer than the budget of all is measured less. */
const ROUNDS = 9;
/** Milliseconds that measuring may take, about. */
const BUDGET = 10_000;

/**
 * Runs 1, 2, 4 … `maxRows` rows of made-up input, alternating.
 *
 * @throws GlowplugError CONFIG_INVALID when rows cannot be joined, or a free dimension has no length
 */
export async function measureBatches(
  session: Session,
  { p95, maxRows, length }: { p95: number; maxRows: number; length: Readonly<Record<string, number>> },
): Promise<Measured> {
  const { signature } = session;
  checkBatchable(signature, {});
  const rows = Array.from({ length: maxRows }, (_, at) => madeUp(signature, length, at));
  const sizes = Array.from({ length: Math.floor(Math.log2(maxRows)) + 1 }, (_, at) => 2 ** at);
  const feeds = sizes.map((size) => together(rows.slice(0, size)));
  const same = await difference(session, rows.slice(0, 2));
  const times = sizes.map((): number[] => []);
  const start = performance.now();
  for (let round = 0; round < ROUNDS && (round < 3 || performance.now() - start < BUDGET); round++) {
    for (const [at, feed] of feeds.entries()) times[at]!.push(await timeOf(session, feed));
  }
  const curve = sizes.map((size, at) => ({ rows: size, ms: median(times[at]!), msPerRow: median(times[at]!) / size }));
  // The pace itself chooses, over these medians, with as many waiting as the largest run takes.
  const pace = selfTuned({ p95 }, maxRows);
  for (let run = 0; run < 200; run++) {
    const size = pace.size(maxRows);
    pace.ran(size, curve.findLast((one) => one.rows <= size)!.msPerRow * size);
  }
  return { curve, chosen: pace.chosen, worth: pace.chosen.rows > 1, same };
}

/** One row: the length of every other free dimension is to be given. */
function madeUp(signature: Signature, length: Readonly<Record<string, number>>, seed: number): Tensors {
  return madeUpFeeds(
    signature,
    (dimension, axis, input) => {
      const given = axis === 0 ? 1 : length[dimension];
      if (given !== undefined) return given;
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected a length of dimension ${shorten(dimension)} of input ${shorten(input)}, got none`,
        { remedy: `Add --length ${dimension}=<length>.` },
      );
    },
    seed,
  );
}

function together(rows: readonly Tensors[]): Tensors {
  return joinRows(rows.map((tensors) => ({ tensors, from: 0, to: 1 })));
}

/** Whether the first dimension is rows at all: a model that mixes them would be silently wrong. */
async function difference(session: Session, rows: readonly Tensors[]): Promise<number | undefined> {
  const joined = splitRows(
    await session.run(together(rows)),
    rows.map(() => 1),
  );
  let most: number | undefined;
  for (const [at, feeds] of rows.entries()) {
    for (const [name, alone] of Object.entries(await session.run(feeds))) {
      if (alone.datatype !== 'FP32' && alone.datatype !== 'FP64') continue;
      const other = joined[at]?.[name]?.data ?? [];
      for (const [i, value] of alone.data.entries()) most = Math.max(most ?? 0, Math.abs(value - Number(other[i])));
    }
  }
  return most;
}

async function timeOf(session: Session, feeds: Tensors): Promise<number> {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
