// What the batcher is given: rows, the work that is done with them, limits; and what it tells of itself.
import type { TraceContext } from '../core/trace-context.ts';
import type { Chosen, Pace } from './pace.ts';
import type { Priority } from './queue.ts';

/** One caller's rows. */
export interface Rows<I> {
  readonly input: I;
  /** How many rows the input has, at least 1. */
  readonly rows: number;
  /** Bytes of all of them. */
  readonly bytes: number;
  /** Only rows of one bucket meet. */
  readonly bucket?: string;
  /** @default 'normal' */
  readonly priority?: Priority;
  /** On the clock. Refused as soon as it is known that no answer can be there by then, at the latest then. */
  readonly deadline?: number;
  /** Aborting takes the rows out; those in a run are not waited for. */
  readonly signal?: AbortSignal;
  /** The span of who asks, where there is one. */
  readonly by?: TraceContext;
  /** Hears of each run that they were part of. */
  readonly met?: (met: Met) => void;
}

/** A run, as one of those who shared it sees it. */
export interface Met {
  /** Of all. */
  readonly rows: number;
  readonly requests: number;
  /** From coming to the run's begin, in milliseconds. */
  readonly waitedMs: number;
  /** The spans of all, where they have some. */
  readonly by?: readonly TraceContext[] | undefined;
}

/** The rows from `from` to before `to` of one caller's input, in one run. */
export interface Part<I> {
  readonly input: I;
  readonly from: number;
  readonly to: number;
}

export interface Work<I, O> {
  /** Runs the parts as one batch and answers each, in their order. */
  run(parts: readonly Part<I>[]): Promise<readonly O[]>;
  /** The answers of a request that was split, in the order of its rows, as one. */
  join(answers: readonly O[]): O;
}

export interface Limits {
  readonly rows: number;
  readonly bytes: number;
}

export interface BatcherOptions {
  /** Of one run. A request with more is split. */
  readonly batch: Limits;
  /** Of all that wait. More is refused with 429. */
  readonly queue: Limits;
  /** Size and window of a bucket; made for each. */
  pace(): Pace;
  /** @default 1 */
  readonly runsAtOnce?: number;
}

export interface BatcherStats {
  readonly waitingRows: number;
  readonly waitingBytes: number;
  readonly running: number;
  readonly runs: number;
  readonly failedRuns: number;
  readonly rowsRun: number;
  /** Milliseconds that requests waited before their first rows were run, all together. */
  readonly queueMs: number;
  /** Rows of a run → how many runs had so many, and their time. */
  readonly sizes: Readonly<Record<number, { readonly runs: number; readonly ms: number }>>;
  /** Requests by what became of them. */
  readonly requests: { readonly answered: number; readonly failed: number; readonly refused: number };
  /** What each bucket's pace chose. */
  readonly buckets: Readonly<Record<string, Chosen>>;
}
