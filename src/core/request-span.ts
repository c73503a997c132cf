// A request at the process's own tracing, as the rest of glowplug sees it. src/observe/open-telemetry.ts knows whose tracing that is.
import type { ModelRun } from './request-record.ts';
import type { TraceContext } from './trace-context.ts';

export interface RequestSpan {
  /** Its ids; `parentId` is whoever called, in this process or another. */
  readonly trace: TraceContext;
  /** What a call on its way carries, as the registered propagator writes it. */
  headers(): Readonly<Record<string, string>>;
  /** An instrumentation of fetch writes them into each call by itself: two headers of one name would both be void. */
  readonly inFetch: boolean;
  /** Runs `work` with the span as the active one: what others trace in it is below it. */
  within<T>(work: () => T): T;
  /** `by`: the spans of all requests that shared the run. */
  ran(run: ModelRun, by: readonly TraceContext[] | undefined): void;
}
