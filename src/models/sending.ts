// Whether all that is asked of the store is with the network: then its answers come while this process is busy.

export class Sending {
  #pending = 0;
  #all = Promise.withResolvers<void>();

  /** Counts a request; call what comes back when it was sent, or will not be. Twice is once. */
  begin(): () => void {
    if (this.#pending++ === 0) this.#all = Promise.withResolvers<void>();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      if (--this.#pending === 0) this.#all.resolve();
    };
  }

  async all(): Promise<void> {
    while (this.#pending > 0) await this.#all.promise;
  }
}
