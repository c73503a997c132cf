// A line of people waiting: first in, first out, and anyone may leave it at once from the middle.

export interface Place<T> {
  readonly value: T;
  before: Place<T> | undefined;
  after: Place<T> | undefined;
}

export class Line<T> {
  #last: Place<T> | undefined;
  first: Place<T> | undefined;

  push(value: T): Place<T> {
    const place: Place<T> = { value, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = place;
    else this.first = place;
    this.#last = place;
    return place;
  }

  /** `place` must stand in this line. */
  remove(place: Place<T>): void {
    if (place.before) place.before.after = place.after;
    else this.first = place.after;
    if (place.after) place.after.before = place.before;
    else this.#last = place.before;
  }
}
