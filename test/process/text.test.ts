// What surrounds a text encoder: windows, token ids, pooling.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pool, poolings, tokenize, tokenTensors, unitVector, windows } from '../../src/process/index.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { runs } from '../runs.ts';

describe('windows', () => {
  it('cover every element, none beyond the size, each with something new, the last one to the end', () => {
    const seen = { rows: 0, windows: 0 };
    const given = fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));
    const property = fc.property(given, ([length, size, step]) => {
      fc.pre(step <= size);
      const found = [...windows(length, size, step)];
      let covered = 0;
      for (const [at, { start, end }] of found.entries()) {
        expect(start).toBe(at * step);
        expect(start).toBeLessThanOrEqual(covered);
        expect(end).toBeGreaterThan(covered);
        expect(end - start).toBeLessThanOrEqual(size);
        covered = end;
      }
      expect(covered).toBe(length);
      seen.rows++;
      seen.windows += found.length;
    });
    fc.assert(property, { numRuns: runs(500) });
    console.log(`windows: ${seen.windows} over ${seen.rows} rows`);
  });

  it.each([
    [0, 1],
    [4, 0],
    [4, 5],
    [4, 1.5],
  ])('of size %s and step %s are refused', (size, step) => {
    expect(() => [...windows(10, size, step)]).toThrow(expect.objectContaining({ code: 'INPUT_TENSOR' }));
  });
});

/** Each character is a token: its code; 1 begins a row, 2 ends it. */
const spelling = {
  encode(text: string, { add_special_tokens: special = true } = {}) {
    const ids = [...text].map((character) => character.codePointAt(0)!);
    return { ids: special ? [1, ...ids, 2] : ids };
  },
};

describe('tokenize', () => {
  it('leaves a text that fits as the tokenizer has it', () => {
    expect(tokenize('abc', spelling, 5)).toEqual([[1, 97, 98, 99, 2]]);
    expect(tokenize('', spelling, 5)).toEqual([[1, 2]]);
  });

  it('reads a longer one in windows with special tokens around each, every token in one of them, none cut off', () => {
    const seen = { texts: 0, windows: 0 };
    const property = fc.property(
      fc.string({ minLength: 1, maxLength: 200 }),
      fc.integer({ min: 3, max: 50 }),
      (text, most) => {
        const rows = tokenize(text, spelling, most);
        for (const row of rows) {
          expect(row.length).toBeLessThanOrEqual(most);
          expect([row[0], row.at(-1)]).toEqual([1, 2]);
        }
        const step = Math.ceil((most - 2) / 2);
        const again = rows.flatMap((row, at) => row.slice(1, at === rows.length - 1 ? -1 : step + 1));
        expect(again).toEqual(spelling.encode(text, { add_special_tokens: false }).ids);
        seen.texts++;
        seen.windows += rows.length;
      },
    );
    fc.assert(property, { numRuns: runs(300) });
    console.log(`tokenize: ${seen.windows} windows of ${seen.texts} texts`);
  });

  it('refuses a row that the special tokens alone fill', () => {
    expect(() => tokenize('abc', spelling, 2)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

it('tokenTensors fills rows up with the padding, which the mask leaves out', () => {
  expect(tokenTensors([[5, 6, 7], [8]], 9)).toEqual({
    input_ids: tensor('INT64', [2, 3], BigInt64Array.of(5n, 6n, 7n, 8n, 9n, 9n)),
    attention_mask: tensor('INT64', [2, 3], BigInt64Array.of(1n, 1n, 1n, 1n, 0n, 0n)),
    token_type_ids: tensor('INT64', [2, 3], new BigInt64Array(6)),
  });
});

describe('pool', () => {
  const hidden = tensor('FP32', [2, 2, 2], Float32Array.of(1, 2, 3, -4, 5, 6, 100, 100));
  const mask = tensor('INT64', [2, 2], BigInt64Array.of(1n, 1n, 1n, 0n));

  it.each([
    [
      'mean',
      [
        [2, -1],
        [5, 6],
      ],
    ],
    [
      'cls',
      [
        [1, 2],
        [5, 6],
      ],
    ],
    [
      'max',
      [
        [3, 2],
        [5, 6],
      ],
    ],
  ] as const)('%s, without the padding', (how, expected) => {
    expect(pool(hidden, mask, how).map((vector) => [...vector])).toEqual(expected);
  });

  it('gives nothing of a row of padding, and no NaN', () => {
    const none = tensor('INT64', [2, 2], new BigInt64Array(4));
    for (const how of poolings)
      expect(pool(hidden, none, how).map((vector) => [...vector])).toEqual([
        [0, 0],
        [0, 0],
      ]);
  });

  it('refuses shapes that do not fit', () => {
    const other = tensor('INT64', [2, 1], BigInt64Array.of(1n, 1n));
    expect(() => pool(hidden, other, 'mean')).toThrow(expect.objectContaining({ code: 'INPUT_TENSOR' }));
  });
});

it('unitVector has length 1, and a vector of nothing stays so', () => {
  expect([...unitVector(Float32Array.of(3, 4))]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
  expect([...unitVector(new Float32Array(2))]).toEqual([0, 0]);
});
