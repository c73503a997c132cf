// OpenTelemetry's tracing, where somebody has set it up in this process. All copies of its API of one major version meet at one
// global object, under a registered symbol; we meet them there, so that nothing of a package is loaded, bundled or found twice.
// Source: opentelemetry-js, packages/opentelemetry-api: internal/global-utils.ts, context/context.ts, trace/context-utils.ts.
import { consoleLog } from '../core/log.ts';
import { openTelemetry } from './registered-tracing.ts';

export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  /** 1: sampled. */
  readonly traceFlags: number;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  spanContext(): SpanContext;
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  end(at?: number): void;
}

export interface SpanOptions {
  readonly kind?: number;
  readonly attributes?: Attributes;
  readonly links?: readonly { readonly context: SpanContext }[];
  /** Milliseconds since 1970. */
  readonly startTime?: number;
}

export interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
  deleteValue(key: symbol): Context;
}

export interface Tracer {
  startSpan(name: string, options: SpanOptions, context: Context): Span;
}

interface Provider {
  getTracer(name: string): Tracer;
  forceFlush?(): Promise<void>;
}

export interface OpenTelemetry {
  /** The API's own, which hands on to what was registered. */
  readonly trace: Provider & { getDelegate?(): Provider };
  readonly context?: { active(): Context; with<T>(context: Context, work: () => T): T };
  readonly propagation?: {
    fields(): string[];
    inject(
      context: Context,
      carrier: Carrier,
      setter: { set(carrier: Carrier, name: string, value: string): void },
    ): void;
    extract(
      context: Context,
      carrier: Carrier,
      getter: { get(carrier: Carrier, name: string): string | undefined; keys(carrier: Carrier): string[] },
    ): Context;
  };
}

export type Carrier = Record<string, string>;

export const kinds = { internal: 0, server: 1, consumer: 4 } as const;
/** Of a span’s status. */
export const errorStatus = 2;

/** What the process does now, as whoever traces it has it. */
export function activeContext({ context }: OpenTelemetry): Context {
  return context?.active() ?? emptyContext();
}

export function spanIn(context: Context): SpanContext | undefined {
  const span = context.getValue(spanKey);
  if (!isSpan(span)) return undefined;
  const found = span.spanContext();
  return isValid(found) ? found : undefined;
}

export function withSpan(context: Context, span: Span): Context {
  return context.setValue(spanKey, span);
}

export function extract({ propagation }: OpenTelemetry, context: Context, carrier: Carrier): Context {
  const getter = { get: (from: Carrier, name: string) => from[name.toLowerCase()], keys: Object.keys };
  return propagation?.extract(context, carrier, getter) ?? context;
}

export function inject({ propagation }: OpenTelemetry, context: Context): Carrier {
  const carrier: Carrier = {};
  propagation?.inject(context, carrier, {
    set(into, name, value) {
      // One spelling: a second of the same name would make one header of two values.
      into[name.toLowerCase()] = value;
    },
  });
  return carrier;
}

/** Names of the headers by which a trace comes in. */
export function propagationFields(): readonly string[] {
  return ['traceparent', ...(attempt(() => openTelemetry()?.propagation?.fields()) ?? [])];
}

/** Ids of nothing but zeros are those of no span. */
export function isValid({ traceId, spanId }: SpanContext): boolean {
  return !/^0*$/.test(traceId) && !/^0*$/.test(spanId);
}

/** An answer waits no longer for its spans: a collector beside the function takes milliseconds. */
const flushMs = 500;

/**
 * Hands on what has ended, before the process freezes. Whoever has a span open around this does so when that ends.
 * Never rejects: what is lost is a trace, not the answer. `leftMs`: until the process is ended.
 */
export async function flushSpans(leftMs: number): Promise<void> {
  const api = openTelemetry();
  if (!api || attempt(() => spanIn(activeContext(api)))) return;
  const provider = attempt(() => api.trace.getDelegate?.()) ?? api.trace;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(flushMs, leftMs / 2));
  await Promise.race([late, attempt(() => provider.forceFlush?.())]).catch(() => {});
  clearTimeout(timer);
}

/** Undefined where it throws, which is said once: whoever traces is somebody else's code, and no request fails by it. */
export function attempt<T>(trace: () => T): T | undefined {
  try {
    return trace();
  } catch (error) {
    if (!complained) consoleLog.warn('tracing failed; requests are answered without it', { error: String(error) });
    complained = true;
    return undefined;
  }
}

/** Of this process, as what is registered is. */
let complained = false;

const spanKey = Symbol.for('OpenTelemetry Context Key SPAN');

function isSpan(value: unknown): value is Span {
  return typeof value === 'object' && value !== null && 'spanContext' in value;
}

/** For a process without a context manager, which would have one. */
function emptyContext(values: ReadonlyMap<symbol, unknown> = new Map()): Context {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => emptyContext(new Map(values).set(key, value)),
    deleteValue: (key) => emptyContext(new Map([...values].filter(([each]) => each !== key))),
  };
}
