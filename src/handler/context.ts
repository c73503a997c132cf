// What a request knows of the invocation it belongs to. Made for each; nothing of it stands at module level.
import { randomUUID } from 'node:crypto';
import { type Came, invocationFields } from '../core/came.ts';
import { consoleLog, type Log, withFields } from '../core/log.ts';
import { RequestTrace } from './request-trace.ts';

export interface Context {
  readonly requestId: string;
  /** Each line carries the ids of the request and, on Lambda, of its invocation and its X-Ray trace, as Powertools' logger names them. */
  readonly log: Log;
  /** Aborts when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal | undefined;
  /** How long its parts took, and the headers by which calls of your own belong to the same trace. */
  readonly trace: RequestTrace;
}

export function createContext({
  requestId = randomUUID(),
  signal,
  log = consoleLog,
  ...came
}: ContextOptions = {}): Context {
  const own = withFields(log, { requestId, ...invocationFields(came) });
  return { requestId, log: own, signal, trace: new RequestTrace(requestId, came) };
}

interface ContextOptions extends Came {
  readonly requestId?: string;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log;
}
