// How a request came here, and what its lines in the log say of it.
import type { Fields } from './log.ts';
import { xrayRoot } from './trace-context.ts';

export interface Came {
  /** X-Ray's header: of the invocation, or of the message that it is. */
  readonly xray?: string | undefined;
  /** Lambda's id of the invocation; undefined outside Lambda. A queue's has many requests. */
  readonly invocationId?: string | undefined;
  /** In the words of OpenTelemetry's `faas.trigger`; undefined outside Lambda. */
  readonly trigger?: 'http' | 'pubsub' | 'other' | undefined;
}

/** As Powertools' logger names them: one query finds its lines and ours. */
export function invocationFields({ invocationId, xray }: Came): Fields {
  // JSON leaves out what is undefined.
  return { function_request_id: invocationId, xray_trace_id: xrayRoot(xray) };
}
