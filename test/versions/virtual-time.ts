// Time that passes when everything waits: requests to a store take as long as a seed says, and no test sleeps.
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { watched } from './watched-store.ts';

export interface VirtualTime {
  /** For a store's own waits: of locks, of conflicts. */
  readonly clock: Clock;
  /** The store with a delay before and after what each request does. */
  delayed(store: Store): Store;
  /** Begins so many milliseconds later. */
  pause(ms: number): Promise<void>;
  /** Lets time pass until all work is done. */
  run<T>(work: readonly Promise<T>[]): Promise<PromiseSettledResult<T>[]>;
  /** Requests that were delayed so far. */
  requests(): number;
}

export function virtualTime(random: () => number): VirtualTime {
  const waiting: { at: number; wake: () => void }[] = [];
  let time = 0;
  let busy = 0;
  let requests = 0;
  const pause = (ms: number) => new Promise<void>((wake) => waiting.push({ at: time + ms, wake }));
  /** Whole milliseconds, so that requests really meet. */
  const delay = () => pause(Math.floor(random() * 30));

  return {
    clock: {
      now: () => time,
      async sleep(ms) {
        busy--;
        await pause(ms);
        busy++;
      },
    },
    delayed: (store) =>
      watched(store, async (send) => {
        requests++;
        await delay();
        busy++;
        const answer = await send().finally(() => busy--);
        await delay();
        return answer;
      }).store,
    pause,
    async run(work) {
      let done = false;
      const settled = Promise.allSettled(work).finally(() => {
        done = true;
      });
      while (!done) {
        await setImmediate();
        if (busy > 0 || waiting.length === 0) continue;
        time = Math.min(...waiting.map(({ at }) => at));
        const due = waiting.filter(({ at }) => at === time);
        waiting.splice(0, waiting.length, ...waiting.filter(({ at }) => at !== time));
        for (const { wake } of due) wake();
      }
      return await settled;
    },
    requests: () => requests,
  };
}
