// A clock that a test owns: time passes only when nothing else is left to do.
import type { Clock } from '../../src/core/clock.ts';

interface Timer {
  readonly at: number;
  readonly wake: () => void;
}

export class VirtualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer: Timer = { at: this.#now + Math.max(0, ms), wake: resolve };
    this.#timers.add(timer);
    signal?.addEventListener('abort', () => this.#timers.delete(timer) && reject(signal.reason), { once: true });
    return promise;
  }

  /** Runs all that is due until `until`, in the order of its time; then it is that time. */
  async run(until: number): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      let next: Timer | undefined;
      for (const timer of this.#timers) if (!next || timer.at < next.at) next = timer;
      if (!next || next.at > until) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.wake();
    }
    this.#now = until;
  }

  get pending(): number {
    return this.#timers.size;
  }
}
