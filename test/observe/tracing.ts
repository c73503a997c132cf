// What an SDK of OpenTelemetry registers, small: a provider that keeps its spans, a context manager over AsyncLocalStorage, W3C's
// propagator. Nothing is imported but Node, so that a function's process can load it by NODE_OPTIONS, as it would an SDK.
// test/peers/opentelemetry.test.ts does the same with the SDK itself.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

export interface Ended {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: Record<string, unknown>;
  readonly links: readonly { readonly context: { readonly traceId: string; readonly spanId: string } }[];
  readonly status: { readonly code: number; readonly message?: string };
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
}

interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
  deleteValue(key: symbol): Context;
}

interface Getter {
  get(carrier: unknown, name: string): string | undefined;
}

interface Setter {
  set(carrier: unknown, name: string, value: string): void;
}

interface Options {
  readonly kind?: number;
  readonly attributes?: Record<string, unknown>;
  readonly links?: Ended['links'];
  readonly startTime?: number;
}

const apiKey = Symbol.for('opentelemetry.js.api.1');
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN');

/** `sampled`: whether a trace that begins here is. `ended` hears of each recorded span. */
export function registerTracing({
  ended,
  sampled = () => true,
  manager = true,
  flushed = () => {},
}: {
  ended: (span: Ended) => void;
  sampled?: () => boolean;
  manager?: boolean;
  flushed?: () => void;
}) {
  const storage = new AsyncLocalStorage<Context>();
  const root = contextOf(new Map());
  const active = () => storage.getStore() ?? root;
  const startSpan = (name: string, options: Options = {}, context: Context = active()) => {
    const parent = spanContextIn(context);
    const attributes = { ...options.attributes };
    let status: Ended['status'] = { code: 0 };
    const { kind = 0, links = [], startTime = Date.now() } = options;
    const own = {
      traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      traceFlags: (parent ? parent.traceFlags === 1 : sampled()) ? 1 : 0,
    };
    return {
      spanContext: () => own,
      setAttributes: (more: object) => void Object.assign(attributes, more),
      setStatus(given: Ended['status']) {
        status = given;
      },
      end(end = Date.now()) {
        if (own.traceFlags === 0) return;
        ended({ name, kind, ...own, parentSpanId: parent?.spanId, attributes, links, status, start: startTime, end });
      },
    };
  };
  const provider = { getTracer: () => ({ startSpan }), forceFlush: async () => flushed() };
  const propagation = {
    fields: () => ['traceparent', 'tracestate'],
    inject(context: Context, carrier: unknown, setter: Setter) {
      const span = spanContextIn(context);
      if (!span) return;
      setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags}`);
      // Written as X-Ray's propagator writes its own.
      setter.set(carrier, 'Tracestate', 'test=1');
    },
    extract(context: Context, carrier: unknown, getter: Getter) {
      const [, traceId, spanId, flags] =
        /^00-(\w{32})-(\w{16})-0(\d)$/.exec(getter.get(carrier, 'traceparent') ?? '') ?? [];
      if (!traceId || !spanId) return context;
      const remote = { traceId, spanId, traceFlags: Number(flags), isRemote: true };
      return context.setValue(spanKey, { spanContext: () => remote });
    },
  };
  Reflect.set(globalThis, apiKey, {
    version: '1.9.0',
    trace: { getTracer: provider.getTracer, getDelegate: () => provider },
    propagation,
    ...(manager
      ? { context: { active, with: <T>(context: Context, work: () => T) => storage.run(context, work) } }
      : {}),
  });
  return {
    startSpan,
    /** Runs `work` below a span, as an instrumentation around us would. */
    async below<T>(name: string, work: () => Promise<T>): Promise<T> {
      const span = startSpan(name);
      try {
        return await storage.run(active().setValue(spanKey, span), work);
      } finally {
        span.end();
      }
    },
    activeSpan: () => spanContextIn(active()),
    [Symbol.dispose]: () => void Reflect.deleteProperty(globalThis, apiKey),
  };
}

function spanContextIn(context: Context) {
  const span = context.getValue(spanKey);
  return isSpan(span) ? span.spanContext() : undefined;
}

function isSpan(
  value: unknown,
): value is { spanContext(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number } } {
  return typeof value === 'object' && value !== null && 'spanContext' in value;
}

function contextOf(values: ReadonlyMap<symbol, unknown>): Context {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextOf(new Map(values).set(key, value)),
    deleteValue: (key) => contextOf(new Map([...values].filter(([each]) => each !== key))),
  };
}
