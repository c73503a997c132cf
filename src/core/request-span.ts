// A request at the process's own tracing, as the rest of glowplug sees it. src/observe/open-telemetry.ts knows whose tracing that is.
import type { ModelRun } from './request-record.ts';
import type { TraceContext } from './trace-context.ts';

export interface RequestSpan {
  /** Its ids; `parentId` is whoever called, in this process or another. */
  readonly trace: TraceContext;
  /** What a call on its way carries, as the registered propagator writes it. */
  headers(): Readonly<Record<string, string>>;
  /** Runs `work` with the span as the active one: what others trace in it is below it. */
  within<T>(work: () => T): T;
  /** `by`: the spans of all requests that shared the run. */
  ran(run: ModelRun, by: readonly TraceContext[] | undefined): void;
}

/** How a request came here. */
export interface Came {
  /** X-Ray's header: of the invocation, or of the message that it is. */
  readonly xray?: string | undefined;
  /** Lambda's id of the invocation; undefined outside Lambda. A queue's has many requests. */
  readonly invocationId?: string | undefined;
  /** In the words of OpenTelemetry's `faas.trigger`; undefined outside Lambda. */
  readonly trigger?: 'http' | 'pubsub' | 'other' | undefined;
}
