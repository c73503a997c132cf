// How often, how long apart and until when a store is asked again.
import type { Clock } from '../../core/clock.ts';

export interface Patience {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * Asks again while `again(error, attempt)` says that it may help. The pauses are drawn between nothing and twice as much each time, so that
 * those whom one overload turned away do not come back together. Ends with the last error.
 */
export async function retry<T>(
  work: () => Promise<T>,
  again: (error: unknown, attempt: number) => boolean,
  { clock, random }: Patience,
  signal?: AbortSignal,
): Promise<T> {
  const until = clock.now() + deadlineMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const pause = random() * Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
      if (signal?.aborted || attempt === attempts || !again(error, attempt) || clock.now() + pause > until) throw error;
      await clock.sleep(pause, signal);
    }
  }
}

/** S3 that answers SlowDown scales within a minute or so; a person who waits longer wants to hear why. */
const deadlineMs = 60_000;
const attempts = 10;
const firstPauseMs = 50;
const longestPauseMs = 10_000;
