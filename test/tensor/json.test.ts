import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { datatypes } from '../../src/core/signature.ts';
import { decodeTensor, encodeTensor, parseTensorJson } from '../../src/tensor/json.ts';

const refused: readonly [string, unknown, unknown, unknown, RegExp][] = [
  ['an unknown datatype', 'FLOAT', [1], [1], /expected a datatype of BOOL, .* got "FLOAT"/],
  ['a shape that is no array', 'FP32', 4, [1], /expected a shape/],
  ['a negative dimension', 'FP32', [-1], [1], /at least 0/],
  ['a shape whose product overflows', 'FP32', [2 ** 4, 2 ** 60 + 2], [1], /whole dimensions|fewer than 2⁵³/],
  ['too few elements', 'FP32', [2], [1], /expected 2 elements for shape \[2\], got 1/],
  ['ragged nesting', 'FP32', [2, 2], [[1, 2], [3]], /expected rows of 2 at depth 1/],
  ['a string as a number', 'FP32', [1], ['1'], /expected a number for FP32, got "1"/],
  ['null (what NaN became)', 'FP32', [1], [null], /expected a number for FP32, got null/],
  ['a number FP32 cannot hold', 'FP32', [1], [1e39], /that FP32 can hold/],
  ['a negative UINT32', 'UINT32', [1], [-1], /from 0 to 4294967295/],
  ['a fraction in UINT8', 'UINT8', [1], [1.5], /whole number/],
  ['true as an integer', 'INT32', [1], [true], /expected a number for INT32, got true/],
  ['a number as BOOL', 'BOOL', [1], [1], /true or false/],
  ['a number as BYTES', 'BYTES', [1], [1], /expected a string/],
  ['half a surrogate pair as BYTES', 'BYTES', [1], ['\ud800'], /expected whole characters/],
  ['a zero dimension beside ones that overflow', 'FP32', [0, 2 ** 40, 2 ** 40], [], /fewer than 2⁵³/],
  ['a number FP16 cannot hold', 'FP16', [1], [70000], /65504/],
  ['INT64 beyond its range', 'INT64', [1], [2n ** 63n], /expected a whole number from/],
  ['a fraction in INT64', 'INT64', [1], [0.5], /expected a whole number from/],
  ['more dimensions than any tensor', 'FP32', Array.from({ length: 40 }, () => 1), [[1]], /at most 32 dimensions/],
];

/** As beside a 64-bit tensor. */
function parse64(data: string): unknown {
  return Object.getOwnPropertyDescriptor(parseTensorJson(`{"a":"INT64","data":${data}}`), 'data')?.value;
}

describe('tensors as protocol JSON', () => {
  it.each(refused)('refuses %s', (_name, datatype, shape, data, message) => {
    expect(() => decodeTensor('x', datatype, shape, data)).toThrow(message);
  });

  it('takes nested and flat data, and whole numbers as FP32', () => {
    const nested = decodeTensor(
      'x',
      'FP32',
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
    );
    expect(nested).toEqual(decodeTensor('x', 'FP32', [2, 2], [1, 2, 3, 4]));
    expect(nested.data).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('takes a scalar and a tensor without elements', () => {
    expect(decodeTensor('x', 'FP64', [], [7]).data).toEqual(Float64Array.of(7));
    expect(decodeTensor('x', 'INT32', [0, 3], []).data).toHaveLength(0);
  });

  it('keeps 64-bit whole numbers exact', () => {
    const text = '{"datatype":"INT64","data":[9007199254740993,-9223372036854775808,1]}';
    const parsed = parseTensorJson(text);
    const data = (parsed as { data: unknown }).data;
    const tensor = decodeTensor('x', 'INT64', [3], data);
    expect(tensor.data).toEqual(BigInt64Array.of(9007199254740993n, -9223372036854775808n, 1n));
    expect(encodeTensor('x', tensor)).toContain('[9007199254740993,-9223372036854775808,1]');
  });

  it.each([
    ['INT64', [2], '[9007199254740993,9223372036854775808]', /x\[1\].*got "9223372036854775808"/],
    ['UINT64', [2], '[9007199254740993,-1]', /x\[1\].*got "-1"/],
    ['INT32', [1], '[9007199254740993]', /x\[0\].*got 9007199254740992/],
    ['FP16', [1], '[9007199254740993]', /x\[0\].*expected a number for FP16/],
    ['BYTES', [1], '[9007199254740993]', /x\[0\].*expected a string/],
    ['UINT64', [2], '[[9007199254740993],[1]]', /x\[0\].*expected a whole number/],
  ])('refuses what does not fit %s of shape %j: %s', (datatype, shape, data, message) => {
    expect(() => decodeTensor('x', datatype, shape, parse64(data))).toThrow(message);
  });

  it.each([
    ['UINT64', [3], '[9007199254740993,0,1]', BigUint64Array.of(2n ** 53n + 1n, 0n, 1n)],
    ['UINT64', [2], '[18446744073709551615,1]', BigUint64Array.of(2n ** 64n - 1n, 1n)],
    ['INT64', [1, 2], '[[-9007199254740993,-1]]', BigInt64Array.of(-(2n ** 53n) - 1n, -1n)],
    ['INT64', [2, 1], '[[-9007199254740993],[-4294967296]]', BigInt64Array.of(-(2n ** 53n) - 1n, -(2n ** 32n))],
    ['INT64', [2, 2], '[[1,-2],[9007199254740993,4]]', BigInt64Array.of(1n, -2n, 2n ** 53n + 1n, 4n)],
    ['FP64', [2], '[9007199254740993,-1]', Float64Array.of(2 ** 53, -1)],
    ['FP32', [2], '[9007199254740993,1.5]', Float32Array.of(2 ** 53, 1.5)],
  ])('reads digits beyond 2⁵³ as %s of shape %j: %s', (datatype, shape, data, elements) => {
    expect(decodeTensor('x', datatype, shape, parse64(data)).data).toEqual(elements);
  });

  it('refuses to print NaN or Infinity as JSON, naming the element', () => {
    const tensor = { datatype: 'FP32', shape: [2], data: Float32Array.of(1, Number.NaN) } as const;
    expect(() => encodeTensor('y', tensor)).toThrow('output "y" holds NaN at element 1');
  });

  it('prints what it reads, for every element type', () => {
    const values = {
      BOOL: fc.boolean(),
      BYTES: fc.string({ unit: 'grapheme' }),
      FP16: fc.constantFrom(0.5, 1, -2, 65504),
      FP32: fc.float({ noNaN: true, noDefaultInfinity: true }),
      FP64: fc.double({ noNaN: true, noDefaultInfinity: true }),
      INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      UINT64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      INT8: fc.integer({ min: -128, max: 127 }),
      INT16: fc.integer({ min: -32768, max: 32767 }),
      INT32: fc.integer(),
      UINT8: fc.integer({ min: 0, max: 255 }),
      UINT16: fc.integer({ min: 0, max: 65535 }),
      UINT32: fc.integer({ min: 0, max: 4294967295 }),
    };
    for (const datatype of datatypes) {
      const arrays: fc.Arbitrary<unknown[]> = fc.array<unknown>(values[datatype]);
      fc.assert(
        fc.property(arrays, (data) => {
          const tensor = decodeTensor('x', datatype, [data.length], data);
          const printed = parseTensorJson(encodeTensor('x', tensor)) as Record<string, unknown>;
          const again = decodeTensor('x', printed['datatype'], printed['shape'], printed['data']);
          // -0 prints as 0, as JSON.stringify has it.
          expect(encodeTensor('x', again)).toEqual(encodeTensor('x', tensor));
        }),
      );
    }
  });
});
