// Whose the time of an environment is: of requests that run at once each has its part, and the parts sum up to the whole.

export class TimeShare {
  readonly #now: () => number;
  #active = 0;
  #each = 0;
  #last = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What it answers is called at the request's end, and gives its milliseconds. */
  begin(): () => number {
    this.#advance();
    this.#active++;
    const before = this.#each;
    return () => {
      this.#advance();
      this.#active--;
      return this.#each - before;
    };
  }

  #advance(): void {
    const now = this.#now();
    if (this.#active > 0) this.#each += (now - this.#last) / this.#active;
    this.#last = now;
  }
}
