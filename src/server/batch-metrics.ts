// What the batchers of a server's models did and chose, as metrics. Read when somebody asks for them.
import type { OnBatched } from '../handler/given-host.ts';
import type { Labels, Metrics } from '../observe/metrics.ts';
import type { BatchedStats } from '../session/batched.ts';

interface Counted {
  readonly rowsRun: number;
  readonly queueMs: number;
  readonly sizes: BatchedStats['sizes'];
}

type Sample = { readonly labels: Labels; readonly value: number };

/** Counters go on over a session that was closed and opened again: what it counted before is kept. */
export function batchMetrics(metrics: Metrics): OnBatched {
  const open = new Map<() => BatchedStats, string>();
  const before = new Map<string, Counted>();
  const counted = (read: (counted: Counted) => readonly Sample[]) => () =>
    [...totals(open, before)].flatMap(([model, one]) => withModel(model, read(one)));
  const now = (read: (stats: BatchedStats) => readonly Sample[]) => () =>
    [...open].flatMap(([stats, model]) => withModel(model, read(stats())));

  metrics.series(
    'nv_inference_count',
    'counter',
    'Rows run, of models whose requests meet.',
    counted(({ rowsRun }) => [{ labels: {}, value: rowsRun }]),
  );
  metrics.series(
    'glowplug_batch_queue_seconds_total',
    'counter',
    'Time that requests waited before they were in a run.',
    counted(({ queueMs }) => [{ labels: {}, value: queueMs / 1000 }]),
  );
  metrics.series(
    'glowplug_batch_runs_total',
    'counter',
    'Runs, by their rows.',
    counted(({ sizes }) => Object.entries(sizes).map(([rows, { runs }]) => ({ labels: { rows }, value: runs }))),
  );
  metrics.series(
    'glowplug_batch_waiting_rows',
    'gauge',
    'Rows that wait for a run.',
    now(({ waitingRows }) => [{ labels: {}, value: waitingRows }]),
  );
  metrics.series(
    'glowplug_batch_chosen_rows',
    'gauge',
    'Rows of a run that the tuner chose, for the shape of the largest.',
    now((stats) => chosen(stats).map(({ rows }) => ({ labels: {}, value: rows }))),
  );
  metrics.series(
    'glowplug_batch_window_seconds',
    'gauge',
    'How long a run that is not full waits for more.',
    now((stats) => chosen(stats).map(({ windowMs }) => ({ labels: {}, value: windowMs / 1000 }))),
  );
  metrics.series(
    'glowplug_batch_learned_seconds',
    'gauge',
    'What a run of so many rows takes, as the tuner learnt it.',
    now((stats) =>
      chosen(stats).flatMap(({ curve }) =>
        curve.map(({ rows, msPerRow }) => ({ labels: { rows: `${rows}` }, value: (rows * msPerRow) / 1000 })),
      ),
    ),
  );

  return (model, stats) => {
    open.set(stats, model);
    return () => {
      open.delete(stats);
      before.set(model, sum(before.get(model), stats()));
    };
  };
}

function totals(
  open: ReadonlyMap<() => BatchedStats, string>,
  before: ReadonlyMap<string, Counted>,
): ReadonlyMap<string, Counted> {
  const all = new Map(before);
  for (const [stats, model] of open) all.set(model, sum(all.get(model), stats()));
  return all;
}

function sum(one: Counted | undefined, other: Counted): Counted {
  if (!one) return { rowsRun: other.rowsRun, queueMs: other.queueMs, sizes: other.sizes };
  const sizes = { ...one.sizes };
  for (const [rows, { runs, ms }] of Object.entries(other.sizes)) {
    const known = sizes[Number(rows)] ?? { runs: 0, ms: 0 };
    sizes[Number(rows)] = { runs: known.runs + runs, ms: known.ms + ms };
  }
  return { rowsRun: one.rowsRun + other.rowsRun, queueMs: one.queueMs + other.queueMs, sizes };
}

/** Shapes are the clients’ to make: one of them, so that nobody makes new series. */
function chosen({ buckets }: BatchedStats): BatchedStats['buckets'][string][] {
  const [first, ...rest] = Object.values(buckets);
  return first ? [rest.reduce((most, one) => (one.rows > most.rows ? one : most), first)] : [];
}

function withModel(model: string, samples: readonly Sample[]): Sample[] {
  return samples.map(({ labels, value }) => ({ labels: { model, ...labels }, value }));
}
