// Whether an invocation is a request of an Application Load Balancer. What becomes of it is in alb.ts, which is loaded for it.
import { isRecord } from '../core/is-record.ts';
import type { RestEvent } from './api-gateway.ts';

/** The target group says whether headers and query are lists or single values; the answer's headers must be the same. */
export type AlbEvent = Omit<RestEvent, 'requestContext'> & { readonly requestContext?: unknown };

export function isAlbEvent(event: unknown): event is AlbEvent {
  return (
    isRecord(event) &&
    typeof event['httpMethod'] === 'string' &&
    typeof event['path'] === 'string' &&
    isRecord(event['requestContext']) &&
    isRecord(event['requestContext']['elb'])
  );
}
