// What comes in is taken out in order, by one taker who waits when there is nothing.

export class Mailbox<T> {
  readonly #items: T[] = [];
  #taker: ((item: T) => void) | undefined;

  put(item: T): void {
    const taker = this.#taker;
    this.#taker = undefined;
    if (taker) taker(item);
    else this.#items.push(item);
  }

  take(): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => {
      this.#taker = resolve;
    });
  }
}
