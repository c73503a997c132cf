// Callers who want the same thing at the same time share one piece of work; it is given up when all of them have gone.
import { orAborted } from '../core/or-aborted.ts';

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  callers: number;
}

export class SharedFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** Rejects with the signal's reason when this caller gives up; the others go on waiting. */
  async run(key: string, signal: AbortSignal | undefined, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, start);
    flight.callers++;
    try {
      return signal ? await orAborted(flight.promise, signal) : await flight.promise;
    } finally {
      flight.callers--;
      // Whoever comes now starts anew, for this one is ending.
      if (flight.callers === 0 && this.#flights.get(key) === flight) {
        this.#flights.delete(key);
        flight.controller.abort(signal?.reason);
        // What it began is cleared away when the last caller hears of the end.
        await flight.promise.catch(() => {});
      }
    }
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight: Flight<T> = { promise: start(controller.signal), controller, callers: 0 };
    this.#flights.set(key, flight);
    // Every caller may have gone before it fails.
    flight.promise.catch(() => {});
    return flight;
  }
}
