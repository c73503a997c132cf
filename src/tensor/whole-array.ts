// An array of whole numbers in JSON straight into 64-bit elements: a BigInt for each would be garbage as large as the body.

export type Wholes = BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;

const HALF = 2 ** 32;
const COMMA = 0x2c;
const MINUS = 0x2d;
const CLOSE = 0x5d;
/** As many as 64 bits have. */
const MAX_DIGITS = 20;

/**
 * The array whose first element begins at `start`, and where it ends. Undefined when a plain array does as well, because no
 * element is beyond 2⁵³, and when only that does, because one is no whole number or 64 bits do not hold them all.
 */
export function readWholes(text: string, start: number): { values: Wholes; end: number } | undefined {
  let words = new Uint32Array(128);
  let count = 0;
  let unsafe = false;
  let negatives = false;
  let large = false;
  for (let at = start; ; at++) {
    at = skipSpace(text, at);
    const negative = text.charCodeAt(at) === MINUS;
    const first = negative ? at + 1 : at;
    let sum = 0;
    for (at = first; isDigit(text.charCodeAt(at)); at++) sum = sum * 10 + (text.charCodeAt(at) - 0x30);
    const digits = at - first;
    if (digits === 0 || digits > MAX_DIGITS || (sum === 0 && negative)) return undefined;
    if (digits > 1 && text.charCodeAt(first) === 0x30) return undefined;
    // While the sum is safe each step of it was exact.
    const safe = sum <= Number.MAX_SAFE_INTEGER;
    let lower = sum;
    let upper = 0;
    if (!safe) {
      // Of 16 to 20 digits: top · 10⁹ + rest = upper · 2³² + lower, where each part is exact as a number.
      const top = digitsOf(text, first, at - 9);
      const product = Math.floor(top / 0x10000) * 1e9;
      upper = Math.floor(product / 0x10000);
      lower = (product % 0x10000) * 0x10000 + (top % 0x10000) * 1e9 + digitsOf(text, at - 9, at);
    }
    const high = upper + Math.floor(lower / HALF);
    if (negative ? high > HALF / 2 || (high === HALF / 2 && lower % HALF > 0) : high >= HALF) return undefined;
    unsafe ||= !safe;
    negatives ||= negative;
    large ||= !negative && high >= HALF / 2;
    if (2 * count === words.length) words = grown(words);
    // Two's complement, by halves; the array keeps what is left of a number modulo 2³².
    words[2 * count] = negative ? -lower : lower;
    words[2 * count + 1] = negative ? ~high + (lower % HALF === 0 ? 1 : 0) : high;
    count++;
    at = skipSpace(text, at);
    const char = text.charCodeAt(at);
    if (char === CLOSE) {
      if (!unsafe || (negatives && large)) return undefined;
      const values = large ? new BigUint64Array(words.buffer, 0, count) : new BigInt64Array(words.buffer, 0, count);
      return { values, end: at + 1 };
    }
    if (char !== COMMA) return undefined;
  }
}

function digitsOf(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (text.charCodeAt(at) - 0x30);
  return value;
}

function grown(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const twice = new Uint32Array(2 * words.length);
  twice.set(words);
  return twice;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const char = text.charCodeAt(at);
    if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return at;
    at++;
  }
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}
