// One timer for all deadlines, set for the earliest.
import type { Clock } from '../core/clock.ts';

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => number;
  #set: { readonly at: number; readonly off: AbortController } | undefined;

  /** `ring` gives the time of the next alarm; Infinity for none. */
  constructor(clock: Clock, ring: () => number) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at`, unless it is set for earlier already. */
  set(at: number): void {
    if (at === Number.POSITIVE_INFINITY || (this.#set && this.#set.at <= at)) return;
    this.off();
    const set = { at, off: new AbortController() };
    this.#set = set;
    // At least a timer's millisecond: it may fire a little early, and would then be set for no time at all.
    this.#clock.sleep(Math.max(1, at - this.#clock.now()), set.off.signal).then(
      () => {
        if (this.#set !== set) return;
        this.#set = undefined;
        this.set(this.#ring());
      },
      () => {},
    );
  }

  off(): void {
    this.#set?.off.abort();
    this.#set = undefined;
  }
}
