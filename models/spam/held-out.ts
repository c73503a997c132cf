// The e-mails that the classifier was not trained on, as it sees them: which words of the vocabulary are in each, and whether it
// is spam. Nobody's letter can be read out of it again: order, count and every rare word are gone.
import type { Row } from './logistic.ts';

/** Rows as whole numbers of seven bits a byte: words × 2 + spam, then from each word to the next. */
export function writeHeldOut(rows: readonly Row[]): Uint8Array {
  const bytes: number[] = [];
  const push = (value: number) => {
    let rest = value;
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    bytes.push(rest);
  };
  for (const { words, spam } of rows) {
    push(words.length * 2 + (spam ? 1 : 0));
    let last = 0;
    for (const word of [...words].sort((a, b) => a - b)) {
      push(word - last);
      last = word;
    }
  }
  return Uint8Array.from(bytes);
}

/** Words count from 0, as lines of vocabulary.txt; the model's input counts from 1. */
export function readHeldOut(bytes: Uint8Array): Row[] {
  let at = 0;
  const next = () => {
    let [value, shift] = [0, 0];
    for (; bytes[at]! > 127; shift += 7) value |= (bytes[at++]! & 127) << shift;
    return value | (bytes[at++]! << shift);
  };
  const rows: Row[] = [];
  while (at < bytes.length) {
    const head = next();
    let word = 0;
    const words = Array.from({ length: head >>> 1 }, () => (word += next()));
    rows.push({ words, spam: head % 2 === 1 });
  }
  return rows;
}
