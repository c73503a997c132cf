// Time that passes only while somebody sleeps.
import type { Clock } from '../../src/core/clock.ts';

export function testClock(): Clock {
  let time = 0;
  return {
    now: () => time,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      time += ms;
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    },
  };
}
