import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from '../../src/tensor/exact-json.ts';
import { runs } from '../runs.ts';

/** What JSON.parse says, every integer that it would round replaced by the exact one. */
function reference(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source ?? '';
    return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d{1,32}$/.test(source)
      ? BigInt(source)
      : value;
  });
}

function outcome(parse: (text: string) => unknown, text: string) {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { refused: error instanceof SyntaxError };
  }
}

/** Arrays of 64-bit elements as arrays of what JSON.parse would have, where it is exact. */
function plain(value: unknown): unknown {
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) {
    return Array.from<bigint, unknown>(value, (whole) => (Number.isSafeInteger(Number(whole)) ? Number(whole) : whole));
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 40 });
const pieces = fc.oneof(
  fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', '-', '+', '.', 'e', 'E', '0', '1', ' ', '\n', '\t'),
  fc.constantFrom(
    'true',
    'false',
    'null',
    'NaN',
    'tru',
    '"a"',
    '"\\"',
    '"\\u0041"',
    '\u0000',
    '\ufeff',
    '"__proto__":1',
    '\\\\"',
  ),
  digits,
);
const nearSafe = fc.bigInt({ min: 2n ** 53n - 99n, max: 2n ** 53n + 99n }).map(String);
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(digits, nearSafe),
    fc.constantFrom('', '.5', '.', 'e3', 'E-400', 'e', '.0e+1'),
  )
  .map((parts) => parts.join(''));

describe('exact JSON', () => {
  it('reads what JSON.parse reads, with whole numbers exact, and refuses what it refuses', () => {
    let valid = 0;
    let total = 0;
    const compare = (text: string) => {
      const expected = outcome(reference, text);
      total++;
      if ('value' in expected) valid++;
      expect(outcome((it) => plain(parseExactJson(it)), text)).toStrictEqual(expected);
    };
    const nested = fc.json({ maxDepth: 6 }).map((text) => text.replaceAll('1', '1234567890123456789'));
    const damaged = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.nat(3), pieces)
      .map(
        ([text, at, cut, piece]) =>
          `${text.slice(0, at % (text.length + 1))}${piece}${text.slice((at % (text.length + 1)) + cut)}`,
      );
    const wholes = fc.oneof(
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n + 9n }),
      fc.constantFrom(
        2n ** 63n - 1n,
        2n ** 63n,
        -(2n ** 63n),
        -(2n ** 63n) - 1n,
        2n ** 64n - 1n,
        2n ** 64n,
        2n ** 32n,
        -(2n ** 40n),
      ),
      fc.integer(),
    );
    const lists = fc
      .tuple(fc.array(wholes, { maxLength: 200 }), fc.constantFrom('', ' ', '\n\t'))
      .map(([list, space]) => `[${space}${list.join(`${space},${space}`)}${space}]`);
    const texts = fc.oneof(
      lists,
      nested,
      damaged,
      number,
      fc.array(number).map((list) => `[${list}]`),
      fc.array(pieces).map((list) => list.join('')),
    );
    fc.assert(fc.property(texts, compare), { numRuns: runs(3000) });
    console.log(`exact JSON: ${total} texts against JSON.parse, ${valid} of them valid`);
  });

  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740993', -9007199254740993n],
    ['-0', -0],
    ['0.1', 0.1],
    ['12345678901234567890.5', 12345678901234567000],
    ['1e21', 1e21],
    [`1${'0'.repeat(40)}`, 1e40],
  ])('reads %s', (text, value) => {
    expect(parseExactJson(text)).toBe(value);
  });

  it('makes __proto__ a field, as JSON.parse does', () => {
    const value = parseExactJson('{"__proto__":{"a":1}}');
    expect(Object.keys(Object(value))).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it.each([
    '',
    ' ',
    '01',
    '-',
    '1.',
    '.5',
    '+1',
    '1e',
    '[1,]',
    '{"a":1,}',
    '{"a"}',
    '"a',
    '"\\',
    '[1] 2',
    "'a'",
    '{a:1}',
    '"\n"',
  ])('refuses %j', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });
});
