// The trace that a request belongs to, as W3C's `traceparent` and as AWS X-Ray's `X-Amzn-Trace-Id` say it: the same ids.
// Sources: w3.org/TR/trace-context, AWS X-Ray Developer Guide, "Tracing header".
import { randomBytes } from 'node:crypto';

export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Span of the caller, 16 digits; undefined where the trace begins here. */
  readonly parentId: string | undefined;
  /** This request's own. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** Of who calls; what is no trace is none. */
export function traceOf({
  traceparent,
  xray,
}: {
  traceparent?: string | null;
  xray?: string | undefined;
}): TraceContext {
  const spanId = id(8);
  const [, traceId, parentId, flags = ''] =
    /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:$|-)/.exec(traceparent ?? '') ?? [];
  if (traceId && parentId && !isZero(traceId) && !isZero(parentId)) {
    return { traceId, parentId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
  }
  const fields = new Map((xray ?? '').split(';').map((field) => split(field.trim())));
  const [, time, rest] = /^1-([\da-f]{8})-([\da-f]{24})$/.exec(fields.get('Root') ?? '') ?? [];
  const parent = /^[\da-f]{16}$/.exec(fields.get('Parent') ?? '')?.[0];
  if (time && rest) return { traceId: time + rest, parentId: parent, spanId, sampled: fields.get('Sampled') === '1' };
  // X-Ray's ids begin with the time.
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return { traceId: seconds + id(12), parentId: undefined, spanId, sampled: false };
}

export function traceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

export function xrayHeader(trace: TraceContext): string {
  return `Root=${xrayTraceId(trace)};Parent=${trace.spanId};Sampled=${trace.sampled ? 1 : 0}`;
}

/** The trace that X-Ray's header names. */
export function xrayRoot(header: string | undefined): string | undefined {
  return header && rootFirst.test(header) ? header.slice(5, 40) : undefined;
}

/** As Lambda and everybody else writes it. */
const rootFirst = /^Root=1-[\da-f]{8}-[\da-f]{24}\b/;

export function xrayTraceId({ traceId }: TraceContext): string {
  return `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`;
}

function split(field: string): [string, string] {
  const at = field.indexOf('=');
  return [field.slice(0, at), field.slice(at + 1)];
}

function isZero(digits: string): boolean {
  return /^0+$/.test(digits);
}

function id(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
