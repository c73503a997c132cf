// How often each model answered and where the time went: Triton's statistics extension. Handler tells, this counts.
import { type Clock, systemClock } from '../core/clock.ts';

/** Triton's names. Queue is what a batcher adds; reading is compute_input, writing compute_output. */
export type Phase = 'queue' | 'compute_input' | 'compute_infer' | 'compute_output';

/** One inference being timed. Told once how it ended. */
export interface Stopwatch {
  /** The time since the last lap, or the start, went into `phase`. */
  lap(phase: Phase): void;
  succeed(): void;
  fail(): void;
}

/** What a batcher tells of itself, as far as the statistics show it. */
export interface Batching {
  readonly runs: number;
  readonly queueMs: number;
  readonly waitingRows: number;
  /** Rows of a run → runs, and their time. */
  readonly sizes: Readonly<Record<string, { readonly runs: number; readonly ms: number }>>;
  /** What was chosen for each shape. */
  readonly buckets: Readonly<Record<string, object>>;
}

interface Duration {
  count: number;
  ns: number;
}

interface Counts {
  lastInference: number;
  readonly durations: Record<'success' | 'fail' | Phase, Duration>;
}

export class Statistics {
  readonly #models = new Map<string, Counts>();
  readonly #clock: Clock;
  readonly #origin: number;

  /** @param origin the clock's zero, in milliseconds since 1970 */
  constructor(clock: Clock = systemClock, origin = performance.timeOrigin) {
    this.#clock = clock;
    this.#origin = origin;
  }

  start(model: string, version: string): Stopwatch {
    const counts = this.#counts(model, version);
    const laps: Partial<Record<Phase, number>> = {};
    const start = this.#clock.now();
    let last = start;
    const end = (outcome: 'success' | 'fail') => {
      const now = this.#clock.now();
      counts.lastInference = this.#origin + now;
      add(counts.durations[outcome], now - start);
      if (outcome === 'fail') return;
      for (const phase of phases) add(counts.durations[phase], laps[phase] ?? 0);
    };
    return {
      lap: (phase) => {
        const now = this.#clock.now();
        laps[phase] = (laps[phase] ?? 0) + now - last;
        last = now;
      },
      succeed: () => end('success'),
      fail: () => end('fail'),
    };
  }

  /**
   * One entry of `model_stats`. Rows are not counted apart: shapes are whole, so each inference is one. Where requests meet,
   * `batch_stats` is by rows of a run, and `batcher`, which Triton does not have, says what was chosen.
   */
  of(model: string, version: string, batching?: Batching) {
    const { lastInference, durations } = this.#counts(model, version);
    const { count } = durations.success;
    return {
      name: model,
      version,
      last_inference: Math.floor(lastInference),
      inference_count: count,
      execution_count: batching?.runs ?? count,
      inference_stats: { ...inBatches(durations, batching), cache_hit: duration(), cache_miss: duration() },
      batch_stats: Object.entries(batching?.sizes ?? {}).map(([rows, { runs, ms }]) => ({
        batch_size: Number(rows),
        compute_input: duration(),
        compute_infer: { count: runs, ns: Math.round(ms * 1e6) },
        compute_output: duration(),
      })),
      ...(batching ? { batcher: { waiting_rows: batching.waitingRows, buckets: batching.buckets } } : {}),
    };
  }

  #counts(model: string, version: string): Counts {
    const key = `${model}:${version}`;
    const known = this.#models.get(key);
    if (known) return known;
    const durations = {
      success: duration(),
      fail: duration(),
      queue: duration(),
      compute_input: duration(),
      compute_infer: duration(),
      compute_output: duration(),
    };
    const counts: Counts = { lastInference: 0, durations };
    this.#models.set(key, counts);
    return counts;
  }
}

/** The wait for a batch is in what the handler measured around the run. */
function inBatches(durations: Counts['durations'], batching: Batching | undefined): Counts['durations'] {
  if (!batching) return durations;
  const { queue, compute_infer } = durations;
  const ns = Math.min(compute_infer.ns, Math.round(batching.queueMs * 1e6));
  return {
    ...durations,
    queue: { ...queue, ns },
    compute_infer: { ...compute_infer, ns: compute_infer.ns - ns },
  };
}

const phases = ['queue', 'compute_input', 'compute_infer', 'compute_output'] as const;

function duration(): Duration {
  return { count: 0, ns: 0 };
}

function add(to: Duration, ms: number): void {
  to.count++;
  to.ns += Math.round(ms * 1e6);
}
