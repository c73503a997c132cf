// The keys of a bucket in S3's order (bytes of their UTF-8), held in memory so that listing 10,000 is a walk, not a scan.
import type { KeyRecord } from './record.ts';

export class KeyIndex {
  readonly #records = new Map<string, KeyRecord>();
  #keys: string[] = [];
  #sorted = true;

  set(record: KeyRecord): void {
    const known = this.#records.has(record.key);
    this.#records.set(record.key, record);
    if (known) return;
    const last = this.#keys.at(-1);
    this.#sorted &&= last === undefined || compareUtf8(last, record.key) < 0;
    this.#keys.push(record.key);
  }

  delete(key: string): void {
    if (!this.#records.delete(key)) return;
    this.#sort();
    this.#keys.splice(this.position(key), 1);
  }

  /** Position of the first key that is not before `key`. */
  position(key: string): number {
    this.#sort();
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(this.#keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(position: number): KeyRecord | undefined {
    this.#sort();
    const key = this.#keys[position];
    return key === undefined ? undefined : this.#records.get(key);
  }

  records(): IterableIterator<KeyRecord> {
    return this.#records.values();
  }

  /** Sorted when read: ten thousand writes in a row sort once. */
  #sort(): void {
    if (!this.#sorted) this.#keys.sort(compareUtf8);
    this.#sorted = true;
  }
}

/** As the UTF-8 bytes compare: JavaScript's own order puts U+FF5E behind U+1F600, S3 does not. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
