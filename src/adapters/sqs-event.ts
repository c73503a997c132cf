// What Lambda gives a function of a queue. Apart from sqs.ts, which brings along what only queued requests need.
import { isRecord } from '../core/is-record.ts';

export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly eventSourceARN: string;
  readonly attributes: {
    readonly ApproximateReceiveCount?: string;
    readonly MessageGroupId?: string;
    /** X-Ray's, of whoever sent it. */
    readonly AWSTraceHeader?: string;
  };
  readonly messageAttributes: Readonly<Record<string, { readonly stringValue?: string; readonly dataType: string }>>;
}

export function isSqsEvent(event: unknown): event is SqsEvent {
  const records = isRecord(event) ? event['Records'] : undefined;
  return (
    Array.isArray(records) &&
    records.length > 0 &&
    records.every((each: unknown) => isRecord(each) && each['eventSource'] === 'aws:sqs')
  );
}
