// Time comes in as an argument, so that tests own it.
import { orAborted } from './or-aborted.ts';

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Resolves after `ms`, 0 being one turn of the event loop; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    // A timer of 0 takes a whole millisecond.
    if (ms <= 0) return await new Promise((resolve) => setImmediate(resolve));
    // node:timers/promises would have to be loaded, by every start.
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    try {
      await (signal ? orAborted(promise, signal) : promise);
    } finally {
      clearTimeout(timer);
    }
  },
};
