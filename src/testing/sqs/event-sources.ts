// The queues and event source mappings that are deployed now. A new template is applied as CloudFormation would.
import { systemClock } from '../../core/clock.ts';
import { GlowplugError } from '../../core/errors.ts';
import type { Invocation, Outcome } from '../invocation.ts';
import type { LocalQueues } from './local-queues.ts';
import { QueuePoller } from './queue-poller.ts';
import type { EventSourceSpec, QueueSpec } from './queue-spec.ts';
import { withDuplicates } from './with-duplicates.ts';

/** What a mapping needs of the function that it feeds. */
export interface Fed {
  /** A version or an alias, which chooses a version for each batch; undefined where there is none. */
  qualified(qualifier: string): { invoke(invocation: Invocation): Promise<Outcome> } | undefined;
  note(line: string): void;
}

/** Lambda begins with five batches at once. It would add 300 a minute, which no machine here carries. */
const defaultConcurrency = 5;

export class EventSources implements Disposable {
  readonly #queues: LocalQueues;
  readonly #functionOf: (name: string) => Fed;
  readonly #comesAgain: (queueName: string) => boolean;
  readonly #pollers = new Map<string, { readonly key: string; readonly poller: QueuePoller }>();

  constructor(queues: LocalQueues, functionOf: (name: string) => Fed, comesAgain: (queueName: string) => boolean) {
    this.#queues = queues;
    this.#functionOf = functionOf;
    this.#comesAgain = comesAgain;
  }

  async apply(queues: readonly QueueSpec[], sources: readonly EventSourceSpec[]): Promise<void> {
    // One after the other: a dead-letter queue stands before the queue that names it.
    for (const queue of queues) await this.#queues.ensure(queue);
    const wanted = new Map(sources.map((source) => [source.id, source]));
    for (const [id, { poller }] of this.#pollers) {
      if (wanted.has(id)) continue;
      poller[Symbol.dispose]();
      this.#pollers.delete(id);
    }
    for (const source of sources) {
      const queue = queues.find(({ arn }) => arn === source.queueArn);
      if (!queue) continue;
      const key = JSON.stringify([source, queue]);
      const running = this.#pollers.get(source.id);
      if (running?.key === key) continue;
      running?.poller[Symbol.dispose]();
      this.#pollers.set(source.id, { key, poller: this.#poller(source, queue) });
    }
  }

  [Symbol.dispose](): void {
    for (const { poller } of this.#pollers.values()) poller[Symbol.dispose]();
    this.#pollers.clear();
  }

  #poller(source: EventSourceSpec, queue: QueueSpec): QueuePoller {
    const { functionName, qualifier = '$LATEST', maximumConcurrency: concurrency = defaultConcurrency } = source;
    const from = this.#queues.source(queue);
    return new QueuePoller({
      ...source,
      concurrency,
      queue: isFifo(queue) ? from : withDuplicates(from, () => this.#comesAgain(queue.name)),
      visibilityMs: Number(queue.attributes['VisibilityTimeout'] ?? 30) * 1000,
      invoke: async (invocation) => {
        const fed = this.#functionOf(functionName).qualified(qualifier);
        if (fed) return await fed.invoke(invocation);
        throw new GlowplugError('NOT_FOUND', `function ${functionName} has no ${qualifier} any more`);
      },
      note: (line) => this.#functionOf(functionName).note(line),
      clock: systemClock,
    });
  }
}

/** Which delivers once. */
function isFifo({ name }: QueueSpec): boolean {
  return name.endsWith('.fifo');
}
