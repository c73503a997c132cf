// What a request knows of the invocation it belongs to. Made for each; nothing of it stands at module level.
import { randomUUID } from 'node:crypto';
import { consoleLog, type Log, withFields } from '../core/log.ts';
import { RequestTrace } from './request-trace.ts';

export interface Context {
  readonly requestId: string;
  /** Each line carries the request's id. */
  readonly log: Log;
  /** Aborts when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal | undefined;
  /** How long its parts took, and the headers by which calls of your own belong to the same trace. */
  readonly trace: RequestTrace;
}

/** `xray`: the X-Amzn-Trace-Id under which the host runs it. */
export function createContext(
  options: { requestId?: string; signal?: AbortSignal; log?: Log; xray?: string | undefined } = {},
): Context {
  const requestId = options.requestId ?? randomUUID();
  const log = withFields(options.log ?? consoleLog, { requestId });
  return { requestId, log, signal: options.signal, trace: new RequestTrace(requestId, options.xray) };
}
