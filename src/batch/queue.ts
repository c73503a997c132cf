// Who waits for a run, sorted by who may meet whom: a bucket for each shape, in it a line for each priority.
import { Line, type Place } from './line.ts';
import type { Pace } from './pace.ts';

export const priorities = ['low', 'normal', 'high'] as const;
export type Priority = (typeof priorities)[number];

/** A step of priority goes before whoever came up to a second earlier, and never for ever. */
export const STEP_MS = 1000;

/** What shapes learnt is kept for this many that nobody waits for, so that hostile shapes cannot fill the memory. */
const KEPT_BUCKETS = 64;

/** One caller's rows that are not in a run yet. */
export interface Waiter {
  readonly bucket: Bucket<this>;
  readonly level: number;
  /** Arrival less what the priority is worth: the least goes first. */
  readonly rank: number;
  readonly bytesPerRow: number;
  /** Rows not in a run yet. */
  left: number;
  place: Place<this> | undefined;
}

export class Bucket<W extends Waiter> {
  readonly pace: Pace;
  readonly lines = priorities.map(() => new Line<W>());
  rows = 0;
  /** The same by priority. */
  readonly rowsAt = priorities.map(() => 0);

  constructor(pace: Pace) {
    this.pace = pace;
  }

  /** Who goes next. */
  get head(): W | undefined {
    let best: W | undefined;
    for (const { first } of this.lines) if (first && (!best || first.value.rank < best.rank)) best = first.value;
    return best;
  }
}

export class Queue<W extends Waiter> {
  readonly #newPace: () => Pace;
  readonly buckets = new Map<string, Bucket<W>>();
  rows = 0;
  bytes = 0;

  constructor(newPace: () => Pace) {
    this.#newPace = newPace;
  }

  bucket(key: string): Bucket<W> {
    const known = this.buckets.get(key);
    if (known) return known;
    if (this.buckets.size >= KEPT_BUCKETS) this.#forgetOne();
    const bucket = new Bucket<W>(this.#newPace());
    this.buckets.set(key, bucket);
    return bucket;
  }

  push(waiter: W): void {
    waiter.place = waiter.bucket.lines[waiter.level]?.push(waiter);
    this.#count(waiter, waiter.left);
  }

  /** Takes `rows` of the waiter's rows into a run; with the last of them it leaves its line. */
  take(waiter: W, rows: number): void {
    this.#count(waiter, -rows);
    waiter.left -= rows;
    if (waiter.left > 0 || !waiter.place) return;
    waiter.bucket.lines[waiter.level]?.remove(waiter.place);
    waiter.place = undefined;
  }

  /** The bucket of whoever goes next. */
  get next(): Bucket<W> | undefined {
    let found: Bucket<W> | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const bucket of this.buckets.values()) {
      if (bucket.rows === 0) continue;
      const rank = bucket.head?.rank ?? least;
      if (rank < least) [found, least] = [bucket, rank];
    }
    return found;
  }

  #count(waiter: W, rows: number): void {
    waiter.bucket.rows += rows;
    waiter.bucket.rowsAt[waiter.level]! += rows;
    this.rows += rows;
    this.bytes += rows * waiter.bytesPerRow;
  }

  #forgetOne(): void {
    for (const [key, bucket] of this.buckets) {
      if (bucket.rows === 0) {
        this.buckets.delete(key);
        return;
      }
    }
  }
}
