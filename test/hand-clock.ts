// Time that passes when the test says so.
import type { Clock } from '../src/core/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export interface HandClock extends Clock {
  /** So many milliseconds are over, and whoever slept until then wakes. */
  pass(ms: number): void;
  /** Time jumps to the next sleeper whenever nothing else is left to do, until it is `until`, or until that says yes. */
  run(until: number | (() => boolean)): Promise<void>;
  readonly sleepers: number;
}

export function handClock(): HandClock {
  let now = 0;
  const sleepers = new Set<Sleeper>();
  const next = () => [...sleepers].reduce<Sleeper | undefined>((a, b) => (a && a.at <= b.at ? a : b), undefined);
  const wake = (sleeper: Sleeper) => {
    sleepers.delete(sleeper);
    now = Math.max(now, sleeper.at);
    sleeper.wake();
  };
  const pass = (ms: number) => {
    const end = now + ms;
    for (let first = next(); first && first.at <= end; first = next()) wake(first);
    now = end;
  };
  return {
    now: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper = { at: now + Math.max(0, ms), wake: resolve };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', () => sleepers.delete(sleeper) && reject(signal.reason), { once: true });
      await promise;
    },
    pass,
    async run(until) {
      for (;;) {
        await new Promise(setImmediate);
        const first = next();
        if (typeof until === 'function') {
          if (until()) return;
          if (first) wake(first);
        } else if (first && first.at <= until) wake(first);
        else return pass(until - now);
      }
    },
    get sleepers() {
      return sleepers.size;
    },
  };
}
