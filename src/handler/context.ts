// What a request knows of the invocation it belongs to. Made for each; nothing of it stands at module level.
import { randomUUID } from 'node:crypto';
import { consoleLog, type Log, withFields } from '../core/log.ts';

export interface Context {
  readonly requestId: string;
  /** Each line carries the request's id. */
  readonly log: Log;
  /** Aborts when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal | undefined;
}

export function createContext(options: { requestId?: string; signal?: AbortSignal; log?: Log } = {}): Context {
  const requestId = options.requestId ?? randomUUID();
  return { requestId, log: withFields(options.log ?? consoleLog, { requestId }), signal: options.signal };
}
