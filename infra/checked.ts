// A record of settings, read word by word: what is unknown, or cannot be, is refused with what was probably meant.
import { GlowplugError } from 'glowplug/cdk';

type Remedy = (key: string, choices: readonly string[]) => string;

export class Checked {
  readonly path: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #remedy: Remedy;

  /** @throws GlowplugError CONFIG_INVALID when it is no record, or has a key that is none of `known` */
  constructor(path: string, value: unknown, known: readonly string[], remedy: Remedy = fromFile) {
    this.path = path;
    this.#remedy = remedy;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#refuse(path, 'a record of settings', value, known);
    }
    this.#values = { ...value };
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const meant = closest(unknown, known);
    throw new GlowplugError(
      'CONFIG_INVALID',
      `${path}: expected ${known.join(', ') || 'nothing'}, got ${JSON.stringify(unknown)}`,
      { remedy: meant ? `Write ${meant}.` : remedy(known[0] ?? path, ['…']) },
    );
  }

  /** A record inside, empty where there is none. */
  inner(key: string, known: readonly string[]): Checked {
    return new Checked(`${this.path}.${key}`, this.#values[key] ?? {}, known);
  }

  entries<T>(read: (key: string, inner: Checked) => T): [string, T][] {
    return Object.keys(this.#values).map((key) => [key, read(key, this)]);
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    const choice = choices.find((one) => one === value);
    if (choice !== undefined) return choice;
    throw this.#refuse(this.#at(key), choices.join(', '), value, choices, key);
  }

  text(key: string, pattern: RegExp, expected: string): string | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw this.#refuse(this.#at(key), expected, value, [], key);
  }

  list(key: string, pattern: RegExp, expected: string): string[] | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    const each = (one: unknown): one is string => typeof one === 'string' && pattern.test(one);
    const texts = Array.isArray(value) && value.every(each) ? value : [];
    if (texts.length > 0 && new Set(texts).size === texts.length) return texts;
    throw this.#refuse(this.#at(key), expected, value, [], key);
  }

  texts(key: string): Record<string, string> {
    const value = this.#values[key] ?? {};
    const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [[key, value]];
    const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    if (texts.length === entries.length) return Object.fromEntries(texts);
    throw this.#refuse(this.#at(key), 'texts by name', value, [], key);
  }

  yesOrNo(key: string): boolean | undefined {
    const value = this.#values[key];
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.#refuse(this.#at(key), 'true or false', value, [], key);
  }

  whole(key: string, least: number, most: number): number | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw this.#refuse(this.#at(key), `a whole number from ${least} to ${most}`, value, [], key);
  }

  #at(key: string): string {
    return this.path === 'context' ? `context ${key}` : `${this.path}.${key}`;
  }

  #refuse(at: string, expected: string, got: unknown, choices: readonly string[], key = at): GlowplugError {
    const meant = typeof got === 'string' ? closest(got, choices) : undefined;
    const told = this.#remedy(key, choices);
    return new GlowplugError('CONFIG_INVALID', `${at}: expected ${expected}, got ${JSON.stringify(got)}`, {
      remedy: meant && this.#remedy === fromFile ? `Write ${meant}.` : told,
    });
  }
}

function fromFile(): string {
  return 'Mend infra/stages.ts; infra/config.ts says what each setting takes.';
}

/** Within two slips of the keyboard. */
function closest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((one) => ({ one, slips: distance(word.toLowerCase(), one.toLowerCase()) }))
    .filter(({ one, slips }) => slips <= Math.min(2, one.length - 1));
  return near.sort((a, b) => a.slips - b.slips)[0]?.one;
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [at, character] of [...a].entries()) {
    const next = [at + 1];
    for (const [index, other] of [...b].entries()) {
      next.push(Math.min(next[index]! + 1, row[index + 1]! + 1, row[index]! + (character === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
