// Time that passes when the test says so.
import type { Clock } from '../src/core/clock.ts';

export function handClock(): { readonly clock: Clock; readonly pass: (ms: number) => void } {
  let now = 0;
  let wake = Promise.withResolvers<void>();
  const sleep = async (ms: number, signal?: AbortSignal) => {
    const until = now + ms;
    while (now < until) {
      signal?.throwIfAborted();
      const aborted = Promise.withResolvers<void>();
      signal?.addEventListener('abort', () => aborted.resolve(), { once: true });
      await Promise.race([wake.promise, aborted.promise]);
    }
  };
  return {
    clock: { now: () => now, sleep },
    pass(ms) {
      now += ms;
      wake.resolve();
      wake = Promise.withResolvers();
    },
  };
}
