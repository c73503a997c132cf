// What Lambda's event source mapping does between a queue and a function: gathers batches, invokes, deletes what succeeded.
// Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and its pages on scaling, errors and back-off.
import type { Clock } from '../../core/clock.ts';
import type { Invocation, Outcome } from '../invocation.ts';
import { failedRecords } from './failed-records.ts';
import { type Message, type SqsRecord, sqsRecord } from './message.ts';

export interface PolledQueue {
  readonly arn: string;
  /** Up to ten messages, waiting for the first one. */
  receive(count: number, waitMs: number): Promise<readonly Message[]>;
  delete(receiptHandles: readonly string[]): Promise<void>;
  /** Makes them visible again at once. */
  giveBack(receiptHandles: readonly string[]): Promise<void>;
}

export interface PollerOptions {
  readonly queue: PolledQueue;
  /** 1 to 10,000. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for more. */
  readonly windowMs: number;
  /** FunctionResponseTypes names ReportBatchItemFailures. */
  readonly reportsFailures: boolean;
  /** Batches in flight at once. */
  readonly concurrency: number;
  /** The queue's visibility timeout: how long a throttled batch is tried again. */
  readonly visibilityMs: number;
  invoke(invocation: Invocation): Promise<Outcome>;
  readonly clock: Clock;
  /** A line for the function's log. */
  note(line: string): void;
}

/** Lambda's limit of an event. */
const eventLimit = 6 * 2 ** 20;
const receiveLimit = 10;
/** SQS's longest wait for a message. */
const longPollMs = 20_000;
/** After a throttled invocation, doubled with each; Lambda does not say what it takes. */
const firstPauseMs = 1000;

interface Gathered {
  readonly record: SqsRecord;
  readonly bytes: number;
}

export class QueuePoller implements Disposable {
  readonly #options: PollerOptions;
  readonly #stop = new AbortController();
  /** Received, and too large for the batch before. */
  #kept: readonly Gathered[] = [];
  #inFlight = 0;
  #freed = Promise.withResolvers<void>();
  #hinted = false;

  constructor(options: PollerOptions) {
    this.#options = options;
    void this.#poll();
  }

  /** Takes no more messages. What runs goes on, and is deleted when it succeeds. */
  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#freed.resolve();
  }

  async #poll(): Promise<void> {
    const { concurrency, queue, clock, note } = this.#options;
    let late: readonly SqsRecord[] = [];
    while (!this.#stop.signal.aborted) {
      if (this.#inFlight >= concurrency) {
        await this.#freed.promise;
        continue;
      }
      try {
        const batch = await this.#gather();
        if (this.#stop.signal.aborted) late = batch;
        else this.#start(batch);
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        note(`its queue could not be read: ${error instanceof Error ? error.message : error}`);
        await clock.sleep(firstPauseMs, this.#stop.signal).catch(() => {});
      }
    }
    const unused = [...late, ...this.#kept.map(({ record }) => record)];
    // The queue may have ended as well: then the messages went with it.
    if (unused.length > 0) await queue.giveBack(unused.map(handleOf)).catch(() => {});
  }

  /**
   * At least one, unless it was stopped. Whole when it has as many as the mapping takes, when the next one would be too
   * many bytes, or when the window is over.
   */
  async #gather(): Promise<SqsRecord[]> {
    const { batchSize, windowMs, clock } = this.#options;
    const batch: SqsRecord[] = [];
    let bytes = '{"Records":[]}'.length;
    let until = clock.now() + windowMs;
    while (batch.length < batchSize && !this.#stop.signal.aborted) {
      const left = until - clock.now();
      if (batch.length > 0 && left <= 0) break;
      const next = this.#kept.length > 0 ? this.#kept : await this.#receive(batchSize - batch.length, batch, left);
      if (batch.length === 0) until = clock.now() + windowMs;
      this.#kept = [];
      for (const [at, each] of next.entries()) {
        bytes += each.bytes + 1;
        if (bytes > eventLimit && batch.length > 0) {
          this.#kept = next.slice(at);
          return batch;
        }
        batch.push(each.record);
      }
    }
    return batch;
  }

  async #receive(count: number, batch: readonly SqsRecord[], leftMs: number): Promise<Gathered[]> {
    const { queue } = this.#options;
    const waitMs = batch.length === 0 ? longPollMs : Math.min(leftMs, longPollMs);
    const messages = await queue.receive(Math.min(count, receiveLimit), waitMs);
    return messages.map((message) => {
      const record = sqsRecord(message, queue.arn);
      return { record, bytes: Buffer.byteLength(JSON.stringify(record)) };
    });
  }

  #start(batch: readonly SqsRecord[]): void {
    this.#inFlight++;
    void this.#deliver(batch)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted)
          this.#options.note(`a batch was lost sight of, and will be delivered again: ${error}`);
      })
      .finally(() => {
        this.#inFlight--;
        this.#freed.resolve();
        this.#freed = Promise.withResolvers();
      });
  }

  async #deliver(batch: readonly SqsRecord[]): Promise<void> {
    const { queue } = this.#options;
    const outcome = await this.#invoke(Buffer.from(JSON.stringify({ Records: batch })));
    // What is not deleted comes back when its visibility timeout is over; the queue counts how often.
    if (outcome?.kind !== 'response') return;
    const failed = this.#failedIn(outcome.payload, batch);
    if (!failed) return;
    const done = batch.filter(({ messageId }) => !failed.has(messageId));
    await queue.delete(done.map(handleOf));
  }

  /** Throttled, it tries again with longer and longer pauses until the messages are visible again. */
  async #invoke(payload: Uint8Array): Promise<Outcome | undefined> {
    const { invoke, clock, visibilityMs } = this.#options;
    const until = clock.now() + visibilityMs;
    for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
      const outcome = await invoke({ payload });
      if (outcome.kind !== 'throttled') return outcome;
      if (clock.now() + pauseMs >= until) return undefined;
      await clock.sleep(pauseMs, this.#stop.signal);
    }
  }

  #failedIn(payload: Uint8Array, batch: readonly SqsRecord[]): ReadonlySet<string> | undefined {
    const failed = failedRecords(payload, new Set(batch.map(({ messageId }) => messageId)));
    if (this.#options.reportsFailures) return failed;
    if (failed?.size && !this.#hinted) {
      this.#hinted = true;
      this.#options.note(
        'it reports failed records, but its event source mapping does not ask for them: they are deleted, as on AWS. Add ReportBatchItemFailures',
      );
    }
    return new Set();
  }
}

function handleOf({ receiptHandle }: SqsRecord): string {
  return receiptHandle;
}
