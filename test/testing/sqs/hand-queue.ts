// A queue whose messages and time a test owns.
import type { Invocation, Outcome } from '../../../src/testing/invocation.ts';
import type { Message } from '../../../src/testing/sqs/message.ts';
import { type PolledQueue, type PollerOptions, QueuePoller } from '../../../src/testing/sqs/queue-poller.ts';
import { handClock } from '../../hand-clock.ts';

export interface Batch {
  readonly ids: readonly string[];
  readonly bytes: number;
  answer(outcome: Partial<Outcome> | object | string): void;
}

export function handQueue(options: Partial<PollerOptions> = {}) {
  const clock = handClock();
  const ready: Message[] = [];
  const deleted: string[] = [];
  const givenBack: string[] = [];
  const batches: Batch[] = [];
  const notes: string[] = [];
  let arrived = Promise.withResolvers<void>();
  const queue: PolledQueue = {
    arn: 'arn:aws:sqs:us-east-1:000000000000:orders',
    async receive(count, waitMs) {
      const until = clock.now() + waitMs;
      while (ready.length === 0 && clock.now() < until) {
        const over = new AbortController();
        await Promise.race([arrived.promise, clock.sleep(until - clock.now(), over.signal)]);
        over.abort();
      }
      return ready.splice(0, count);
    },
    delete: async (handles) => void deleted.push(...handles),
    giveBack: async (handles) => void givenBack.push(...handles),
  };
  const invoke = ({ payload }: Invocation) => {
    const { Records }: { Records: { messageId: string }[] } = JSON.parse(Buffer.from(payload).toString());
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    batches.push({
      ids: Records.map(({ messageId }) => messageId),
      bytes: payload.byteLength,
      answer(outcome) {
        const known = typeof outcome === 'object' && 'kind' in outcome;
        const text = typeof outcome === 'string' ? outcome : JSON.stringify(outcome);
        resolve((known ? outcome : { kind: 'response', payload: Buffer.from(text) }) as Outcome);
      },
    });
    return promise;
  };
  const poller = new QueuePoller({
    queue,
    batchSize: 10,
    windowMs: 0,
    reportsFailures: true,
    concurrency: 5,
    visibilityMs: 30_000,
    invoke,
    clock,
    note: (line) => notes.push(line),
    ...options,
  });
  return {
    poller,
    batches,
    deleted,
    givenBack,
    notes,
    pass: clock.pass,
    send(ids: readonly string[], body = 'x') {
      for (const id of ids) ready.push({ MessageId: id, ReceiptHandle: id, Body: body, MD5OfBody: '' });
      arrived.resolve();
      arrived = Promise.withResolvers();
    },
    /** Lets everything run that does not wait for time. */
    async settle() {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
