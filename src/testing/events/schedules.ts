// The schedules that are deployed now: each hands its event on when its time comes.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { parseSchedule } from './schedule-expression.ts';

/** A target of an AWS::Events::Rule, or an AWS::Scheduler::Schedule. */
export interface ScheduleSpec {
  readonly id: string;
  readonly arn: string;
  readonly source: 'aws.events' | 'aws.scheduler';
  readonly expression: string;
  /** ARN of the function or queue. */
  readonly target: string;
  /** @default an event that says what came when */
  readonly input?: string;
}

export interface SchedulesOptions {
  readonly region: string;
  readonly account: string;
  readonly clock: Clock;
  readonly now: () => Date;
  deliver(arn: string, body: string): Promise<void>;
  onError(message: string): void;
}

/** Timers carry 24 days; a machine may sleep. */
const longestSleepMs = 3_600_000;

export class Schedules implements Disposable {
  readonly #options: SchedulesOptions;
  readonly #running = new Map<string, { readonly key: string; readonly stop: AbortController }>();

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** What did not change goes on counting. */
  apply(specs: readonly ScheduleSpec[]): void {
    for (const [id, { key, stop }] of this.#running) {
      if (specs.some((spec) => spec.id === id && JSON.stringify(spec) === key)) continue;
      stop.abort();
      this.#running.delete(id);
    }
    for (const spec of specs) {
      if (this.#running.has(spec.id)) continue;
      const stop = new AbortController();
      this.#running.set(spec.id, { key: JSON.stringify(spec), stop });
      void this.#run(spec, stop.signal);
    }
  }

  [Symbol.dispose](): void {
    this.apply([]);
  }

  async #run(spec: ScheduleSpec, signal: AbortSignal): Promise<void> {
    const { clock, now, deliver, onError } = this.#options;
    const next = parseSchedule(spec.expression);
    for (let time = next(now()); time; time = next(time)) {
      try {
        for (let left = time.getTime() - now().getTime(); left > 0; left = time.getTime() - now().getTime()) {
          await clock.sleep(Math.min(left, longestSleepMs), signal);
        }
      } catch {
        return; // It was taken away.
      }
      if (signal.aborted) return;
      // Nobody waits for it: a slow or failing target does not hold the next time up.
      deliver(spec.target, spec.input ?? this.#event(spec, time)).catch((error: unknown) =>
        onError(`schedule ${spec.id}: ${error instanceof Error ? error.message : error}`),
      );
      // After a machine slept, the times that passed meanwhile are not made up for.
      if (now().getTime() - time.getTime() > longestSleepMs) time = now();
    }
  }

  #event({ arn, source }: ScheduleSpec, time: Date): string {
    const { region, account } = this.#options;
    return JSON.stringify({
      version: '0',
      id: randomUUID(),
      'detail-type': 'Scheduled Event',
      source,
      account,
      time: `${time.toISOString().slice(0, 19)}Z`,
      region,
      resources: [arn],
      detail: source === 'aws.events' ? {} : '{}',
    });
  }
}
