// An invocation into a runtime, and what comes of it within a time.
import { randomBytes } from 'node:crypto';
import type { Invocation } from '../invocation.ts';
import { type CloudIdentity, type FunctionSpec, functionArn } from './function-spec.ts';
import type { Mailbox } from './mailbox.ts';
import type { RuntimeProcess, RuntimeSignal } from './runtime-process.ts';

export interface Delivery {
  readonly invocation: Invocation;
  readonly requestId: string;
  readonly leftMs: () => number;
  /** The process is killed so long after. */
  readonly diesAfterMs: number | undefined;
}

export function deliver(
  runtime: RuntimeProcess,
  { invocation, requestId, leftMs, diesAfterMs }: Delivery,
  { spec, where }: { readonly spec: FunctionSpec; readonly where: CloudIdentity },
): Mailbox<RuntimeSignal> {
  // Before it can have answered. A process that has ended meanwhile is not killed again.
  if (diesAfterMs === 0) void runtime.kill();
  else if (diesAfterMs !== undefined) setTimeout(() => void runtime.kill(), diesAfterMs).unref();
  return runtime.deliver({
    requestId,
    payload: invocation.payload,
    deadline: Date.now() + Math.ceil(leftMs()),
    functionArn: functionArn(spec, where, invocation.qualifier),
    traceId: invocation.traceId ?? newTraceId(),
    clientContext: invocation.clientContext,
    streams: invocation.streams,
  });
}

export async function takeWithin(signals: Mailbox<RuntimeSignal>, limitMs: number): Promise<RuntimeSignal> {
  const timer = setTimeout(() => signals.put({ kind: 'timeout' }), limitMs);
  try {
    return await signals.take();
  } finally {
    clearTimeout(timer);
  }
}

/** As X-Ray makes them: version, seconds since 1970, 96 random bits. Nothing is sampled here. */
function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `Root=1-${seconds}-${randomBytes(12).toString('hex')};Parent=${randomBytes(8).toString('hex')};Sampled=0`;
}
