// What a request's way took: its verbs, its runs, its end. One place, of which Server-Timing, the log line, metrics and spans are made.
import type { Came } from '../core/came.ts';
import { listedRuns, type ModelRun, type RequestRecord, type RequestStage } from '../core/request-record.ts';
import type { RequestSpan } from '../core/request-span.ts';
import { type TraceContext, traceOf, traceparent, xrayHeader } from '../core/trace-context.ts';

/** Hears of a request that is over, while the environment still runs for it. */
export type Tell = (record: RequestRecord) => Promise<void> | void;

export class RequestTrace {
  readonly #requestId: string;
  readonly #now: () => number;
  readonly #begin: number;
  /** Milliseconds since 1970. */
  readonly startedAt = Date.now();
  readonly came: Came;
  readonly #stages: RequestStage[] = [];
  readonly #runs: ModelRun[] = [];
  #trace: TraceContext;
  #span: RequestSpan | undefined;
  #moreRuns = 0;
  #last: number;
  #code: string | undefined;
  #held = false;
  #end: { readonly status: number; readonly tell: Tell | undefined } | undefined;

  constructor(requestId: string, came: Came = {}, now = () => performance.now()) {
    this.#requestId = requestId;
    this.#now = now;
    this.#begin = this.#last = now();
    this.came = came;
    this.#trace = traceOf({ xray: came.xray });
  }

  /**
   * For calls of your own on this request's way: `fetch(url, { headers: context.trace.headers() })`: `traceparent`,
   * `x-amzn-trace-id`, and what OpenTelemetry's propagator writes, where it is set up; none where its instrumentation of fetch
   * writes them.
   */
  headers(): Readonly<Record<string, string>> {
    if (this.#span?.inFetch) return {};
    return { traceparent: traceparent(this.#trace), 'x-amzn-trace-id': this.xray(), ...this.propagated() };
  }

  /** As X-Ray's header has it. */
  xray(): string {
    return xrayHeader(this.#trace);
  }

  /** Of those what OpenTelemetry's propagator writes; nothing where none is set up. */
  propagated(): Readonly<Record<string, string>> {
    return this.#span?.headers() ?? {};
  }

  /** OpenTelemetry's span of the request; undefined where nobody traces. */
  get span(): TraceContext | undefined {
    return this.#span?.trace;
  }

  /** From now on it belongs to the span's trace. */
  spanned(span: RequestSpan): void {
    this.#span = span;
    this.#trace = span.trace;
  }

  /** Runs `work` below the request's span, where there is one. */
  within<T>(work: () => T): T {
    return this.#span ? this.#span.within(work) : work();
  }

  /** The trace that the client began. */
  joins(traceparent: string | null): void {
    if (traceparent !== null) this.#trace = traceOf({ traceparent, xray: xrayHeader(this.#trace) });
  }

  /** What was done since the last mark, or the beginning, was this. */
  mark(stage: string): void {
    const to = this.#now();
    this.#stages.push({ stage, from: round(this.#last - this.#begin), to: round(to - this.#begin) });
    this.#last = to;
  }

  /** `from` and `to` on the same clock as `now`; `by`: the spans of all who shared it. */
  ran(run: ModelRun, by?: readonly TraceContext[]): void {
    if (this.#runs.length === listedRuns) {
      this.#moreRuns++;
      return;
    }
    const told = {
      ...run,
      from: round(run.from - this.#begin),
      to: round(run.to - this.#begin),
      queueMs: round(run.queueMs),
    };
    this.#runs.push(told);
    this.#span?.ran(told, by);
  }

  /** The first fault is the reason. */
  failed(code: string): void {
    this.#code ??= code;
  }

  /** Of each verb: `decode;dur=0.42, predict;dur=12.1`, as browsers' tools read it (W3C Server Timing). */
  serverTiming(): string {
    return this.#stages.map(({ stage, from, to }) => `${stage};dur=${round(to - from)}`).join(', ');
  }

  /** The answer's body is still being made: the request is over at `release`. */
  hold(): void {
    this.#held = this.#end === undefined;
  }

  async release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    if (this.#end) await this.#tell(this.#end.status, this.#end.tell);
  }

  async end(status: number, tell: Tell | undefined): Promise<void> {
    if (this.#end) return;
    this.#end = { status, tell };
    if (!this.#held) await this.#tell(status, tell);
  }

  async #tell(status: number, tell: Tell | undefined): Promise<void> {
    await tell?.({
      requestId: this.#requestId,
      trace: this.#trace,
      startedAt: this.startedAt,
      ms: round(this.#now() - this.#begin),
      status,
      ...(this.#code === undefined ? {} : { code: this.#code }),
      stages: this.#stages,
      runs: this.#runs,
      ...(this.#moreRuns === 0 ? {} : { moreRuns: this.#moreRuns }),
    });
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
