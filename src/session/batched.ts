// A session in which requests meet: the same interface, and whoever runs it at the same time shares a run. Joining rows
// lives here, beside sessions, so that src/batch knows nothing of tensors.
import { Batcher } from '../batch/batcher.ts';
import { bucketKey, checkBatchable, meetingLength, type Padding } from '../batch/bucket.ts';
import { type Objective, type Pace, selfTuned } from '../batch/pace.ts';
import type { BatcherStats, Limits, Part } from '../batch/work.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { checkFeeds } from './feeds.ts';
import { joinRows, splitRows } from './rows.ts';
import type { Session } from './session.ts';

export interface BatchOptions {
  /** Size and window are chosen so that 95 of 100 answers take at most `p95` milliseconds, and no larger than pays. */
  readonly objective: Objective;
  /** How rows of different lengths meet; without it only rows of equal lengths do. */
  readonly pad?: Padding;
  /**
   * Runs at once, 1 to 64: each has a session of its own, and its part of the threads. Where sessions have threads of their
   * own, as in `glowplug serve` and on Managed Instances; elsewhere a second run would wait for the first. Which number pays,
   * `glowplug bench batch` measures.
   * @default 1: all threads for one run
   */
  readonly runs?: number;
  /** Of one run. @default 256 rows, 64 MiB of inputs */
  readonly limits?: Partial<Limits>;
  /** Of all that wait. @default 16,384 rows, 256 MiB of inputs */
  readonly queue?: Partial<Limits>;
}

export interface BatchedStats extends BatcherStats {
  /** Elements of padded inputs that were filler, as a share of all of them; 0 where nothing was padded. */
  readonly paddingShare: number;
}

export interface BatchedSession extends Session {
  readonly stats: BatchedStats;
}

const MiB = 2 ** 20;
/** The gain of the MLP of 1024² is within 10 % of its last at 64 rows: bench/batching.ts. */
const BATCH: Limits = { rows: 256, bytes: 64 * MiB };
const QUEUE: Limits = { rows: 16_384, bytes: 256 * MiB };

/**
 * `session`, batched. Owns it: disposing answers all who wait, then disposes the session.
 *
 * @throws GlowplugError CONFIG_INVALID when the signature has no rows to join, or the options cannot be used
 */
export function batched(
  session: Session,
  options: BatchOptions,
  clock: Clock = systemClock,
  newPace: (maxRows: number) => Pace = (maxRows) => selfTuned(options.objective, maxRows),
): BatchedSession {
  const { signature } = session;
  const { pad = {}, objective, runs = 1 } = options;
  if (!(Number.isInteger(runs) && runs >= 1 && runs <= 64)) {
    throw new GlowplugError('CONFIG_INVALID', `batch: expected runs from 1 to 64, got ${shorten(runs)}`);
  }
  if (!(objective.p95 > 0)) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `batch: expected objective.p95 in milliseconds, over 0; got ${objective.p95}`,
    );
  }
  checkBatchable(signature, pad);
  const batch = { ...BATCH, ...options.limits };
  const filler = { all: 0, filled: 0 };
  const batcher = new Batcher<Tensors, Tensors>(
    {
      run: (parts) => runTogether(session, parts, pad, filler),
      join: (answers) => joinRows(answers.map((tensors) => ({ tensors, from: 0, to: rowsIn(tensors) }))),
    },
    { batch, queue: { ...QUEUE, ...options.queue }, pace: () => newPace(batch.rows), runsAtOnce: runs },
    clock,
  );
  return {
    signature,
    bytes: session.bytes,
    async run(feeds, given = {}) {
      checkFeeds(signature, feeds);
      const rows = rowsIn(feeds);
      // Nothing to share; models differ in what they make of no rows at all.
      if (rows === 0) return await session.run(feeds);
      const bucket = bucketKey(signature.inputs, feeds, pad);
      return await batcher.add({ ...given, input: feeds, rows, bytes: rows * rowBytes(signature, feeds, pad), bucket });
    },
    get stats() {
      return { ...batcher.stats, paddingShare: filler.all === 0 ? 0 : filler.filled / filler.all };
    },
    async [Symbol.asyncDispose]() {
      await batcher[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
    },
  };
}

async function runTogether(
  session: Session,
  parts: readonly Part<Tensors>[],
  pad: Padding,
  filler: { all: number; filled: number },
): Promise<readonly Tensors[]> {
  const slices = parts.map(({ input, from, to }) => ({ tensors: input, from, to }));
  const [first] = slices;
  if (slices.length === 1 && first && first.from === 0 && first.to === rowsIn(first.tensors)) {
    return [await session.run(first.tensors)];
  }
  const { signature } = session;
  const joined = joinRows(slices, (name) => fillOf(signature, name, pad));
  const outputs = await session.run(joined);
  const lengths = slices.map(({ tensors }) => freeLengths(signature, tensors, pad));
  countFiller(slices, joined, filler);
  return splitRows(
    outputs,
    slices.map(({ from, to }) => to - from),
    (name, at, row) => {
      const shape = signature.outputs[name]?.shape ?? [];
      return row.map((length, axis) => lengths[at]?.get(`${shape[axis + 1]}`) ?? length);
    },
  );
}

/** Rows of a request: the first dimension, the same in every input. */
function rowsIn(tensors: Tensors): number {
  let rows: number | undefined;
  for (const name in tensors) {
    const own = tensors[name]!.shape[0] ?? 0;
    rows ??= own;
    if (own === rows) continue;
    throw new GlowplugError(
      'INPUT_TENSOR',
      `input ${shorten(name)}: expected ${rows} rows as the others have, got ${own}`,
    );
  }
  return rows ?? 0;
}

/** Bytes of one row as it will be joined. Strings count their UTF-16 units. */
function rowBytes({ inputs }: Signature, feeds: Tensors, pad: Padding): number {
  let bytes = 0;
  for (const name in feeds) {
    const { datatype, shape, data } = feeds[name]!;
    const spec = inputs[name]!.shape;
    if (datatype === 'BYTES') {
      bytes += data.reduce((sum, text) => sum + 2 * text.length, 0) / shape[0]!;
      continue;
    }
    let elements = 1;
    for (let axis = 1; axis < shape.length; axis++) elements *= meetingLength(spec[axis]!, shape[axis]!, pad);
    bytes += elements * data.BYTES_PER_ELEMENT;
  }
  return bytes;
}

function fillOf({ inputs }: Signature, name: string, pad: Padding): number {
  for (const dimension of inputs[name]?.shape ?? []) {
    if (typeof dimension === 'string' && Object.hasOwn(pad, dimension)) return pad[dimension]?.[name] ?? 0;
  }
  return 0;
}

/** What a request's own padded dimensions were. */
function freeLengths({ inputs }: Signature, feeds: Tensors, pad: Padding): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  for (const [name, { shape }] of Object.entries(inputs)) {
    for (const [axis, dimension] of shape.entries()) {
      if (typeof dimension === 'string' && Object.hasOwn(pad, dimension))
        lengths.set(dimension, feeds[name]!.shape[axis]!);
    }
  }
  return lengths;
}

function countFiller(
  slices: readonly { tensors: Tensors; from: number; to: number }[],
  joined: Tensors,
  filler: { all: number; filled: number },
): void {
  for (const name in joined) {
    const all = joined[name]!.data.length;
    const own = slices.reduce((sum, { tensors, from, to }) => {
      const { shape, data } = tensors[name]!;
      return sum + (data.length / shape[0]!) * (to - from);
    }, 0);
    filler.all += all;
    filler.filled += all - own;
  }
}
