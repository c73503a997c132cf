// The curves time(rows, threads) of a model on this machine, and what the self-tuned pace makes of them.
import { checkBatchable } from '../batch/bucket.ts';
import { type Chosen, selfTuned } from '../batch/pace.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { madeUpFeeds } from './made-up-feeds.ts';
import { joinRows, splitRows } from './rows.ts';
import type { Session } from './session.ts';

/** So many runs at once, each with so many threads. */
export interface Split {
  readonly runs: number;
  readonly threads: number;
}

export interface SplitCurve extends Split {
  /** Medians while all runs of the split are under way, each size in turn; rows a second of all of them together. */
  readonly curve: readonly {
    readonly rows: number;
    readonly ms: number;
    readonly msPerRow: number;
    readonly perSecond: number;
  }[];
  readonly chosen: Chosen;
}

export interface Measured {
  /** More runs at once with fewer threads each, from one run with all threads on. */
  readonly splits: readonly SplitCurve[];
  /** Of the splits: the most rows a second at its chosen size. */
  readonly best: Best;
  /** Whether more than one row a run is worth it, in that split. */
  readonly worth: boolean;
  /** Largest difference between rows answered together and alone; undefined where no output is a float. */
  readonly same: number | undefined;
}

export interface Best extends Split {
  readonly rows: number;
  readonly ms: number;
  readonly perSecond: number;
}

export interface MeasureOptions {
  /** Threads of all runs together. */
  readonly threads: number;
  readonly p95: number;
  readonly maxRows: number;
  readonly length: Readonly<Record<string, number>>;
  /** Bytes that all sessions together may take: each run has one. */
  readonly maxBytes: number;
}

/** The sizes go round this many times; one that takes longer than the budget of all is measured less. */
const ROUNDS = 9;
/** Milliseconds that measuring may take, about. */
const BUDGET = 10_000;
/** More runs at once take as much more memory: they must bring this share more rows a second. */
const WORTH = 0.1;

/**
 * Runs 1, 2, 4 … `maxRows` rows of made-up input, in 1, 2, 4 … runs at once, alternating. `open` makes a session that runs
 * beside others, in a thread of its own.
 *
 * @throws GlowplugError CONFIG_INVALID when rows cannot be joined, or a free dimension has no length
 */
export async function measureBatches(
  open: (threads: number) => Promise<Session>,
  { threads, p95, maxRows, length, maxBytes }: MeasureOptions,
): Promise<Measured> {
  await using opened = new AsyncDisposableStack();
  const another = async (own: number) => opened.use(await open(own));
  const first = await another(threads);
  const { signature } = first;
  checkBatchable(signature, {});
  const rows = Array.from({ length: maxRows }, (_, at) => madeUp(signature, length, at));
  const sizes = Array.from({ length: Math.floor(Math.log2(maxRows)) + 1 }, (_, at) => 2 ** at);
  const feeds = sizes.map((size) => together(rows.slice(0, size)));
  const same = await difference(first, rows.slice(0, 2));

  const splits = [{ runs: 1, threads, sessions: [first] }];
  for (let runs = 2; runs <= threads && (2 * runs - 1) * first.bytes <= maxBytes; runs *= 2) {
    const own = Math.floor(threads / runs);
    const sessions: Session[] = [];
    while (sessions.length < runs) sessions.push(await another(own));
    splits.push({ runs, threads: own, sessions });
  }
  const times = splits.map(() => sizes.map((): number[] => []));
  const start = performance.now();
  for (let round = 0; round < ROUNDS && (round < 3 || performance.now() - start < BUDGET); round++) {
    for (const [at, feed] of feeds.entries()) {
      for (const [of, { sessions }] of splits.entries()) times[of]![at]!.push(await timeOf(sessions, feed));
    }
  }
  const curves = splits.map(({ runs, threads: own }, of): SplitCurve => {
    const curve = sizes.map((size, at) => {
      const ms = median(times[of]![at]!);
      return { rows: size, ms, msPerRow: ms / size, perSecond: (1000 * runs * size) / ms };
    });
    return { runs, threads: own, curve, chosen: choose(curve, p95, maxRows) };
  });
  const [one, ...more] = curves.map(atChosen);
  const best = more.reduce((kept, each) => (each.perSecond > kept.perSecond * (1 + WORTH) ? each : kept), one!);
  return { splits: curves, best, worth: best.rows > 1, same };
}

/** The pace itself chooses, over these medians, with as many waiting as the largest run takes. */
function choose(curve: SplitCurve['curve'], p95: number, maxRows: number): Chosen {
  const pace = selfTuned({ p95 }, maxRows);
  for (let run = 0; run < 200; run++) {
    const size = pace.size(maxRows);
    pace.ran(size, curve.findLast((one) => one.rows <= size)!.msPerRow * size);
  }
  return pace.chosen;
}

function atChosen({ runs, threads, curve, chosen }: SplitCurve): Best {
  const { rows, ms, perSecond } = curve.findLast((one) => one.rows <= chosen.rows)!;
  return { runs, threads, rows, ms, perSecond };
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

/** Until the last of them has its answer. */
async function timeOf(sessions: readonly Session[], feeds: Tensors): Promise<number> {
  const start = performance.now();
  await Promise.all(sessions.map((session) => session.run(feeds)));
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
