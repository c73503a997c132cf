// JSON whose integers beyond 2⁵³ come exact: as a BigInt, or in a BigInt64Array or BigUint64Array where an array holds whole
// numbers alone. A reviver with the number's source takes ten times `JSON.parse`.
// Reads what `JSON.parse` reads and refuses what it refuses; a property test holds the two against each other.
import { readWholes, type Wholes } from './whole-array.ts';

/** No element type needs more; reading an integer of a million digits takes quadratic time. */
const MAX_DIGITS = 32;

/** The caller limits the nesting: each level is one of the stack. @throws SyntaxError with the position */
export function parseExactJson(text: string): unknown {
  const cursor = new Cursor(text);
  const value = cursor.value();
  if (cursor.next() !== -1) throw cursor.unexpected();
  return value;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next character that is no white space, without taking it; -1 at the end. */
  next(): number {
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text.charCodeAt(this.#at);
      if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return char;
    }
    return -1;
  }

  value(): unknown {
    const char = this.next();
    if (isDigit(char) || char === MINUS) return this.#number();
    switch (char) {
      case QUOTE:
        return this.#string();
      case 0x5b:
        return this.#array();
      case 0x7b:
        return this.#object();
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', null);
      default:
        throw this.unexpected();
    }
  }

  unexpected(): SyntaxError {
    const what = this.#at < this.#text.length ? `character at position ${this.#at}` : 'end of JSON input';
    return new SyntaxError(`Unexpected ${what}`);
  }

  #array(): unknown[] | Wholes {
    this.#at++;
    const wholes = readWholes(this.#text, this.#at);
    if (wholes) {
      this.#at = wholes.end;
      return wholes.values;
    }
    const values: unknown[] = [];
    if (this.#takes(0x5d)) return values;
    do values.push(this.value());
    while (this.#takes(COMMA));
    this.#expect(0x5d);
    return values;
  }

  #object(): object {
    const fields: [string, unknown][] = [];
    this.#at++;
    if (!this.#takes(0x7d)) {
      do {
        if (this.next() !== QUOTE) throw this.unexpected();
        const key = this.#string();
        this.#expect(COLON);
        fields.push([key, this.value()]);
      } while (this.#takes(COMMA));
      this.#expect(0x7d);
    }
    // Like JSON.parse it makes an own property of "__proto__", and the last of equal keys counts.
    return Object.fromEntries(fields);
  }

  /** Cut out here, unescaped by JSON.parse. */
  #string(): string {
    const start = this.#at;
    for (;;) {
      const end = this.#text.indexOf('"', this.#at + 1);
      if (end < 0) {
        this.#at = this.#text.length;
        throw this.unexpected();
      }
      this.#at = end;
      let backslashes = 0;
      while (this.#text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
      if (backslashes % 2 === 0) break;
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at));
  }

  #number(): number | bigint {
    const start = this.#at;
    const negative = this.#text.charCodeAt(start) === MINUS;
    if (negative) this.#at++;
    const first = this.#at;
    let small = 0;
    let char = this.#text.charCodeAt(first);
    for (; isDigit(char); char = this.#text.charCodeAt(++this.#at)) small = small * 10 + (char - 0x30);
    const digits = this.#at - first;
    if (digits === 0 || (digits > 1 && this.#text.charCodeAt(first) === 0x30)) throw this.unexpected();
    // A fraction or an exponent, or more digits than any tensor takes: as JSON.parse has it.
    if (char === 0x2e || (char | 0x20) === 0x65 || digits > MAX_DIGITS) return this.#double(start);
    // While the sum is safe each step of it was exact.
    if (Number.isSafeInteger(small)) return negative ? -small : small;
    return BigInt(this.#text.slice(start, this.#at));
  }

  #double(start: number): number {
    for (let char = this.#text.charCodeAt(this.#at); isNumeric(char); char = this.#text.charCodeAt(++this.#at));
    return JSON.parse(this.#text.slice(start, this.#at));
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.unexpected();
    this.#at += word.length;
    return value;
  }

  #takes(char: number): boolean {
    if (this.next() !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: number): void {
    if (!this.#takes(char)) throw this.unexpected();
  }
}

function isDigit(char: number): boolean {
  return char >= 0x30 && char <= 0x39;
}

/** Anything a number may hold: digits, sign, point, e. */
function isNumeric(char: number): boolean {
  return isDigit(char) || char === 0x2b || char === MINUS || char === 0x2e || (char | 0x20) === 0x65;
}
