// Invocations that nobody waits for: accepted, tried again, and told of where the function's owner wants it.
// Source: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Invocation, Outcome } from '../invocation.ts';

/** AWS::Lambda::EventInvokeConfig, and the function's own DeadLetterConfig. Destinations are ARNs. */
export interface AsyncSettings {
  readonly retries: number;
  readonly maxAgeMs: number;
  readonly onSuccess?: string;
  readonly onFailure?: string;
  readonly deadLetter?: string;
}

export const defaultAsyncSettings: AsyncSettings = { retries: 2, maxAgeMs: 6 * 60 * 60_000 };

export interface AsyncTarget {
  /** With the qualifier that was invoked, $LATEST included. */
  readonly arn: string;
  /** That runs. */
  readonly version: string;
  readonly settings: AsyncSettings;
  invoke(invocation: Invocation): Promise<Outcome>;
  /** A line for the function's log. */
  note(line: string): void;
}

export interface AsyncInvokerOptions {
  readonly clock: Clock;
  readonly now: () => Date;
  /** Hands text to a queue or another function; `attributes` are a queue message's. */
  deliver(arn: string, body: string, attributes?: Readonly<Record<string, string>>): Promise<void>;
}

type Answered = Extract<Outcome, { readonly payload: Uint8Array }>;
type Condition = 'Success' | 'RetriesExhausted' | 'EventAgeExceeded';

/** After the first error, and after the second. */
const errorPausesMs = [60_000, 120_000];
/** Throttled: from a second, doubled each time, to five minutes. */
const firstThrottlePauseMs = 1000;
const longestThrottlePauseMs = 5 * 60_000;

export class AsyncInvoker implements Disposable {
  readonly #options: AsyncInvokerOptions;
  readonly #stop = new AbortController();

  constructor(options: AsyncInvokerOptions) {
    this.#options = options;
  }

  /** The id that all tries of this event have. */
  accept(target: AsyncTarget, invocation: Invocation): string {
    const requestId = randomUUID();
    this.#run(target, { ...invocation, requestId }).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) target.note(`an asynchronous invocation was lost: ${error}`);
    });
    return requestId;
  }

  /** Events that wait for another try are dropped: queues of the local cloud are in memory, too. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #run(target: AsyncTarget, invocation: Invocation & { readonly requestId: string }): Promise<void> {
    const { clock } = this.#options;
    const { retries, maxAgeMs } = target.settings;
    const until = clock.now() + maxAgeMs;
    let throttlePauseMs = firstThrottlePauseMs;
    let last: Answered | undefined;
    for (let tries = 0; ; ) {
      const outcome = await target.invoke(invocation);
      if (this.#stop.signal.aborted) return;
      let pauseMs = throttlePauseMs;
      if ('payload' in outcome) {
        tries++;
        last = outcome;
        if (outcome.kind === 'response') return await this.#tell(target, invocation, 'Success', tries, last);
        if (tries > retries) return await this.#tell(target, invocation, 'RetriesExhausted', tries, last);
        pauseMs = errorPausesMs[tries - 1] ?? 0;
      } else {
        throttlePauseMs = Math.min(2 * throttlePauseMs, longestThrottlePauseMs);
      }
      if (clock.now() + pauseMs > until) return await this.#tell(target, invocation, 'EventAgeExceeded', tries, last);
      await clock.sleep(pauseMs, this.#stop.signal);
    }
  }

  async #tell(
    target: AsyncTarget,
    invocation: Invocation & { readonly requestId: string },
    condition: Condition,
    tries: number,
    outcome: Answered | undefined,
  ): Promise<void> {
    const { onSuccess, onFailure, deadLetter } = target.settings;
    const { requestId, payload } = invocation;
    const destination = condition === 'Success' ? onSuccess : onFailure;
    if (destination !== undefined) {
      const record = {
        version: '1.0',
        timestamp: this.#options.now().toISOString(),
        requestContext: { requestId, functionArn: target.arn, condition, approximateInvokeCount: tries },
        requestPayload: parsed(payload),
        ...(outcome
          ? {
              responseContext: {
                statusCode: 200,
                executedVersion: target.version,
                ...(outcome.kind === 'error' ? { functionError: outcome.functionError } : {}),
              },
              responsePayload: parsed(outcome.payload),
            }
          : {}),
      };
      await this.#options.deliver(destination, JSON.stringify(record));
    }
    if (condition === 'Success' || deadLetter === undefined) return;
    const { errorMessage = condition } = Object(outcome && parsed(outcome.payload));
    await this.#options.deliver(deadLetter, Buffer.from(payload).toString(), {
      RequestID: requestId,
      ErrorCode: '200',
      ErrorMessage: `${errorMessage}`.slice(0, 1024),
    });
  }
}

function parsed(payload: Uint8Array): unknown {
  return JSON.parse(Buffer.from(payload).toString());
}
