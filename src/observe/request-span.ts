// A request as spans of OpenTelemetry: itself, its stages, and each run of a model with links to the requests that shared it.
// Sources: OpenTelemetry semantic conventions, "HTTP spans" and "FaaS spans"; what they have no name for is `glowplug.*`.
import { hasSubscribers } from 'node:diagnostics_channel';
import type { Came } from '../core/came.ts';
import type { HttpRequest } from '../core/light-http.ts';
import type { ModelRun, RequestRecord, RequestStage } from '../core/request-record.ts';
import type { RequestSpan } from '../core/request-span.ts';
import type { TraceContext } from '../core/trace-context.ts';
import {
  type Attributes,
  activeContext,
  attempt,
  type Carrier,
  type Context,
  errorStatus,
  extract,
  inject,
  isValid,
  kinds,
  type OpenTelemetry,
  type Span,
  spanIn,
  type Tracer,
  withSpan,
} from './open-telemetry.ts';
import { openTelemetry } from './registered-tracing.ts';

export { flushSpans } from './open-telemetry.ts';

/** A request that begins, on whatever host. */
export interface Asked {
  readonly requestId: string;
  readonly trace: {
    /** Milliseconds since 1970. */
    readonly startedAt: number;
    readonly came: Came;
    spanned(span: RequestSpan): void;
  };
}

/** Milliseconds since the process began. */
export type ColdStage = RequestStage & { readonly model?: string };

/** By which OpenTelemetry's instrumentation of fetch learns of each request, and adds its headers to those that are there. */
const fetchChannel = 'undici:request:create';
/** A shorter wait is a turn of the event loop: `glowplug explain` draws none of them either. */
const shortestWaitMs = 0.1;

/**
 * Opens the request's span, to whose trace the request belongs from then on; undefined where nobody traces.
 *
 * @param cold whether it is its environment's first; undefined outside Lambda
 */
export function openRequestSpan(request: HttpRequest, asked: Asked, cold?: boolean): OpenRequestSpan | undefined {
  const api = openTelemetry();
  return api && attempt(() => openWith(api, request, asked, cold));
}

function openWith(api: OpenTelemetry, request: HttpRequest, asked: Asked, cold?: boolean): OpenRequestSpan | undefined {
  const { came, startedAt } = asked.trace;
  const active = activeContext(api);
  const around = spanIn(active);
  const isMessage = came.trigger === 'pubsub';
  // A message belongs to who sent it, whoever received it; anything else to what this process does, where that is traced.
  const parent = around && !isMessage ? active : extract(api, active, carrierOf(request, came));
  const linked = isMessage && around && around.spanId !== spanIn(parent)?.spanId ? [around] : [];
  const tracer = api.trace.getTracer('glowplug');
  const span = tracer.startSpan(
    nameOf(request, came),
    {
      kind: isMessage ? kinds.consumer : around ? kinds.internal : kinds.server,
      attributes: attributesOf(request, asked, cold),
      links: linked.map((context) => ({ context })),
      startTime: startedAt,
    },
    parent,
  );
  if (!isValid(span.spanContext())) return undefined;
  const opened = new OpenRequestSpan({ api, tracer, span, parent, startedAt, isHttp: isHttp(came) });
  asked.trace.spanned(opened);
  return opened;
}

/** All that becomes of a request where no lines are written of it. */
export function traceRequest(request: HttpRequest, asked: Asked): ((record: RequestRecord) => void) | undefined {
  const span = openRequestSpan(request, asked);
  return span && ((record) => span.end(record));
}

interface Opened {
  readonly api: OpenTelemetry;
  readonly tracer: Tracer;
  readonly span: Span;
  readonly parent: Context;
  readonly startedAt: number;
  readonly isHttp: boolean;
}

class OpenRequestSpan implements RequestSpan {
  readonly trace: TraceContext;
  readonly #opened: Opened;
  readonly #context: Context;

  constructor(opened: Opened) {
    const { span, parent } = opened;
    this.#opened = opened;
    this.#context = withSpan(parent, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.trace = { traceId, spanId, parentId: spanIn(parent)?.spanId, sampled: (traceFlags & 1) === 1 };
  }

  headers(): Carrier {
    return attempt(() => inject(this.#opened.api, this.#context)) ?? {};
  }

  get inFetch(): boolean {
    return hasSubscribers(fetchChannel);
  }

  within<T>(work: () => T): T {
    const { context } = this.#opened.api;
    let done: (() => T) | undefined;
    const once = () => {
      done = outcomeOf(work);
    };
    attempt(() => context?.with(this.#context, once));
    return (done ?? work)();
  }

  ran(run: ModelRun, by: readonly TraceContext[] = []): void {
    attempt(() => this.#ran(run, by));
  }

  #ran({ model, version, from, to, queueMs, rows, requests }: ModelRun, by: readonly TraceContext[]): void {
    const about = { 'glowplug.model': model, 'glowplug.version': version };
    const begun = Math.min(from + queueMs, to);
    if (queueMs >= shortestWaitMs) this.#part('queue', { from, to: begun }, about);
    const batch = { 'glowplug.queue_ms': queueMs, 'glowplug.batch.rows': rows, 'glowplug.batch.requests': requests };
    this.#part(`run ${model}`, { from: begun, to }, { ...about, ...batch }, this.#sharers(by));
  }

  /** `cold`: the stages of its environment's start, which began before it and are told with it. */
  end(record: RequestRecord, cold: readonly ColdStage[] = []): void {
    attempt(() => this.#end(record, cold));
  }

  #end({ ms, status, code, stages }: RequestRecord, cold: readonly ColdStage[]): void {
    const { span, startedAt, isHttp } = this.#opened;
    for (const stage of stages) {
      if (stage.stage !== 'warm' || stage.to - stage.from >= shortestWaitMs) this.#part(stage.stage, stage);
    }
    const sinceStart = performance.timeOrigin - startedAt;
    for (const { stage, from, to, model } of cold) {
      const about = model === undefined ? {} : { 'glowplug.model': model };
      this.#part(`cold start: ${stage}`, { from: sinceStart + from, to: sinceStart + to }, about);
    }
    // HTTP's convention leaves a client's errors to the client. A streamed answer fails after its status.
    const failed = status >= (isHttp ? 500 : 400) || (status < 400 && code !== undefined && code !== 'CLIENT_GONE');
    span.setAttributes({
      [isHttp ? 'http.response.status_code' : 'glowplug.status']: status,
      ...(code === undefined ? {} : { 'glowplug.code': code }),
      ...(failed ? { 'error.type': code ?? `${status}` } : {}),
    });
    if (failed) span.setStatus({ code: errorStatus, message: code ?? `${status}` });
    span.end(startedAt + ms);
  }

  /** `from`, `to`: milliseconds since the request began. */
  #part(
    name: string,
    { from, to }: { readonly from: number; readonly to: number },
    attributes: Attributes = {},
    links: readonly TraceContext[] = [],
  ): void {
    const { tracer, startedAt } = this.#opened;
    const linked = links.map((trace) => ({ context: { ...trace, traceFlags: trace.sampled ? 1 : 0 } }));
    const options = { kind: kinds.internal, attributes, links: linked, startTime: startedAt + from };
    tracer.startSpan(name, options, this.#context).end(startedAt + to);
  }

  /** The first that is recorded names all others, and each of those names it: a link from each to all would be rows squared. */
  #sharers(by: readonly TraceContext[]): readonly TraceContext[] {
    const first = by.find(({ sampled }) => sampled) ?? by[0];
    const isOther = ({ spanId }: TraceContext) => spanId !== this.trace.spanId;
    if (!first) return [];
    return isOther(first) ? [first] : by.filter(isOther);
  }
}

/** To be told once more. */
function outcomeOf<T>(work: () => T): () => T {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** What propagators read. Lambda's own header names the invocation, which the one that a URL was sent does not. */
function carrierOf({ headers }: HttpRequest, { xray }: Came): Carrier {
  return { ...Object.fromEntries(headers), ...(xray === undefined ? {} : { 'x-amzn-trace-id': xray }) };
}

function nameOf(request: HttpRequest, came: Came): string {
  if (!isHttp(came)) return 'inference';
  const route = routeOf(new URL(request.url).pathname);
  return route === undefined ? request.method : `${request.method} ${route}`;
}

function attributesOf({ method, url }: HttpRequest, { requestId, trace: { came } }: Asked, cold?: boolean): Attributes {
  const { pathname, protocol } = new URL(url);
  const route = routeOf(pathname);
  return {
    'glowplug.request_id': requestId,
    ...(came.trigger === undefined ? {} : { 'faas.trigger': came.trigger }),
    ...(came.invocationId === undefined ? {} : { 'faas.invocation_id': came.invocationId }),
    ...(cold === undefined ? {} : { 'faas.coldstart': cold }),
    ...(isHttp(came)
      ? { 'http.request.method': method, 'url.path': pathname, 'url.scheme': protocol.slice(0, -1) }
      : {}),
    ...(isHttp(came) && route !== undefined ? { 'http.route': route } : {}),
  };
}

function isHttp({ trigger = 'http' }: Came): boolean {
  return trigger === 'http';
}

/** Few, whatever clients ask for: a path of a function's own is none. */
function routeOf(path: string): string | undefined {
  if (path === '/') return path;
  const found = /^\/v2\/models\/[^/]+(\/versions\/[^/]+)?\/infer$/.exec(path);
  return found ? `/v2/models/{model}${found[1] ? '/versions/{version}' : ''}/infer` : undefined;
}
