// An SQS event: each record is a request of its own. All run at once, so that they meet in the models' batchers; what
// comes of each is written and sent, and only those that failed go back to the queue.
// Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
import { createHash } from 'node:crypto';
import { eachOf } from '../core/each-of.ts';
import { GlowplugError } from '../core/errors.ts';
import type { HttpResponse } from '../core/light-http.ts';
import { type Context, createContext } from '../handler/context.ts';
import { allowedCallback, announce, type DeliverOptions, deliver } from '../results/deliver.ts';
import { type Results, toResult } from '../results/results.ts';
import { answerTicket } from './respond-async.ts';
import type { SqsEvent, SqsRecord } from './sqs-event.ts';

export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** Where results go. */
export interface Outlet extends DeliverOptions {
  readonly results: Results;
}

type Fetch = (request: Request, context: Context) => Promise<HttpResponse>;

/** Records at once: each may hold 1 MB, and a result's way to S3 takes longer than most runs. */
const atOnce = 128;

/** Names the records that were not answered; what is not named is deleted from the queue. */
export async function answerRecords(
  { Records }: SqsEvent,
  fetch: Fetch,
  outlet: Outlet,
  context: Context,
): Promise<BatchResponse> {
  const failed = new Set<string>();
  await eachOf(inOrder(Records), atOnce, async (group) => {
    for (const [at, record] of group.entries()) {
      if (await answerRecord(record, fetch, outlet, context)) continue;
      // Of a message group what follows a failure waits for it.
      for (const { messageId } of group.slice(at)) failed.add(messageId);
      return;
    }
  });
  const ids = Records.map(({ messageId }) => messageId).filter((id) => failed.has(id));
  return { batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) };
}

/**
 * The record as a request: a POST of its body, whose text attributes are headers. Bytes travel as base64, with the
 * attribute `content-transfer-encoding: base64`.
 */
export function toRequest({ body, messageAttributes }: SqsRecord): Request {
  const headers = new Headers({ 'content-type': 'application/json' });
  for (const [name, { stringValue }] of Object.entries(messageAttributes)) {
    if (stringValue === undefined || !headerName.test(name)) continue;
    headers.set(name, stringValue);
  }
  const isBase64 = headers.get('content-transfer-encoding')?.toLowerCase() === 'base64';
  return new Request('https://localhost/', {
    method: 'POST',
    headers,
    body: isBase64 ? Buffer.from(body, 'base64') : body,
  });
}

/** The same message with the same content is the same request, however often it comes. */
export function resultKey({ messageId, body }: Pick<SqsRecord, 'messageId' | 'body'>): string {
  return `${encodeURIComponent(messageId)}/${createHash('sha256').update(body).digest('hex')}`;
}

/** SQS allows dots in names of attributes, HTTP too; what else it allows no header has. */
const headerName = /^[\w.-]{1,256}$/;
/** Names the URL that is told of the result. */
const callbackAttribute = 'callback';

/** Each message group of a FIFO queue in its order; of other queues each record alone. */
function inOrder(records: readonly SqsRecord[]): SqsRecord[][] {
  const groups = Map.groupBy(records, (record) =>
    record.eventSourceARN.endsWith('.fifo') ? (record.attributes.MessageGroupId ?? record) : record,
  );
  return [...groups.values()];
}

/** True when the result is written and whoever wants it has it. Never rejects. */
async function answerRecord(record: SqsRecord, fetch: Fetch, outlet: Outlet, within: Context): Promise<boolean> {
  const { messageId, attributes, messageAttributes } = record;
  const context = createContext({
    ...within.trace.came,
    requestId: messageId,
    signal: within.signal,
    trigger: 'pubsub',
    xray: attributes.AWSTraceHeader ?? within.trace.came.xray,
  });
  const { results } = outlet;
  try {
    const ticket = messageAttributes['async']?.stringValue;
    if (ticket !== undefined) return await answerTicket(ticket, fetch, results, context);
    const callback = messageAttributes[callbackAttribute]?.stringValue;
    // Before the model runs: it cannot be delivered afterwards.
    if (callback !== undefined) allowedCallback(callback, outlet.callbacks);
    const key = resultKey(record);
    const first = attributes.ApproximateReceiveCount === '1' ? undefined : await results.get(key, within.signal);
    const result = first ?? (await answered(toRequest(record), fetch, context));
    if (result.status >= 300) {
      context.log.warn('a record was refused', {
        status: result.status,
        answer: Buffer.from(result.body).toString('utf8', 0, 500),
      });
      return false;
    }
    const written = first ?? (await results.putOnce(key, result, within.signal));
    await deliver(announce(messageId, results.location(key), written), callback, outlet, context);
    return true;
  } catch (error) {
    const known = error instanceof GlowplugError ? { code: error.code } : {};
    context.log.error('a record could not be answered', { ...known, error: String(error) });
    return false;
  }
}

async function answered(request: Request, fetch: Fetch, context: Context) {
  return await toResult(await fetch(request, context));
}
