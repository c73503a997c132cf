// What is told of one request when it is over: never anything that came with it, only how it went.
import type { TraceContext } from './trace-context.ts';

export interface RequestRecord {
  readonly requestId: string;
  /** Whose trace it belongs to; its `spanId` is this request. */
  readonly trace: TraceContext;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** From the first verb to the last; of a streamed answer, to its last byte. */
  readonly ms: number;
  readonly status: number;
  /** Of the catalogue, where it was refused or failed. */
  readonly code?: string;
  /** Milliseconds since the request began. */
  readonly stages: readonly RequestStage[];
  readonly runs: readonly ModelRun[];
  /** Runs beyond those that are listed. */
  readonly moreRuns?: number;
}

export interface RequestStage {
  readonly stage: string;
  readonly from: number;
  readonly to: number;
}

/** One run of a model for the request; milliseconds since the request began. */
export interface ModelRun {
  readonly model: string;
  readonly version: string;
  readonly from: number;
  readonly to: number;
  /** From being asked for to the run's begin: for a session, for who shares the run. */
  readonly queueMs: number;
  /** Of the inputs whose shapes are free: name → shape, of this request's own rows. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** That ran together, those of others included. */
  readonly rows: number;
  /** Requests whose rows ran together: 1 is this one alone. */
  readonly requests: number;
}

export const requestMessage = 'request';
/** A metric's list of values may be so long: so many runs are told one by one. */
export const listedRuns = 100;
