// Callers who ask for the same thing at the same time share one promise; a rejection is forgotten, a value is kept.

export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** The kept or running promise of `key`, else the one that `start` makes. */
  run(key: string, start: () => Promise<T>): Promise<T> {
    const running = this.#flights.get(key);
    if (running) return running;
    const flight = start();
    this.#flights.set(key, flight);
    flight.catch(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    return flight;
  }

  forget(key: string): void {
    this.#flights.delete(key);
  }
}
