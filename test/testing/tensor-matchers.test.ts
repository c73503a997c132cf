// toMatchTensor: what passes, and what it says of what does not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/index.ts';
import { type TensorMatchers, tensorMatchers } from '../../src/testing/index.ts';
import { runs } from '../runs.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends TensorMatchers<R> {}
}
expect.extend(tensorMatchers);

const floats = (...values: number[]) => tensor('FP32', [1, values.length], Float32Array.from(values));

describe('toMatchTensor', () => {
  it('takes what is within the tolerance: absolute below 1, relative above', () => {
    expect(floats(0.5, 1000)).toMatchTensor(floats(0.500001, 1000.001));
    expect(floats(0.5, 1000)).not.toMatchTensor(floats(0.5001, 1000));
    expect(floats(0.5, 1000)).toMatchTensor(floats(0.5001, 1000), 1e-3);
    expect(tensor('BYTES', [1], ['a'])).toMatchTensor(tensor('BYTES', [1], ['a']));
    expect(tensor('INT64', [2], BigInt64Array.of(1n, 2n))).toMatchTensor(
      tensor('INT64', [2], BigInt64Array.of(1n, 2n)),
    );
  });

  it('has a tolerance for each architecture', () => {
    const off = floats(0.501);
    expect(off).toMatchTensor(floats(0.5), { [process.arch]: 1e-2 });
    expect(off).not.toMatchTensor(floats(0.5), { mips: 1e-2 });
  });

  it.each<[string, () => void, string]>([
    [
      'the furthest element and its place',
      () =>
        expect(tensor('FP32', [2, 2], Float32Array.of(1, 2, 3, 9))).toMatchTensor(
          tensor('FP32', [2, 2], Float32Array.of(1, 2.1, 3, 4)),
        ),
      `expected element 3 (1, 1) to be 4, got 9: off by 1.25 of it, and 0.00001 of it is allowed on ${process.arch}`,
    ],
    ['the shape', () => expect(floats(1, 2)).toMatchTensor(floats(1)), 'expected FP32 [1, 1], got FP32 [1, 2]'],
    [
      'the element type',
      () => expect(floats(1)).toMatchTensor(tensor('INT32', [1, 1], Int32Array.of(1))),
      'expected INT32 [1, 1], got FP32 [1, 1]',
    ],
    ['what is no tensor', () => expect('y').toMatchTensor(floats(1)), 'expected a tensor, got something else'],
    [
      'a text that differs',
      () => expect(tensor('BYTES', [2], ['a', 'b'])).toMatchTensor(tensor('BYTES', [2], ['a', 'c'])),
      'expected element 1 (1) to be c, got b',
    ],
    [
      'what should differ and does not',
      () => expect(floats(1)).not.toMatchTensor(floats(1)),
      'expected another tensor than FP32 [1, 1]',
    ],
  ])('says %s', (_what, attempt, message) => {
    expect(attempt).toThrow(message);
  });

  it('says what is absolute as it is, and halves as numbers', () => {
    expect(() => expect(floats(0.5)).toMatchTensor(floats(0.25))).toThrow(
      /got 0.5: off by 0.25, and 0.00001 is allowed/,
    );
    const half = (...bits: number[]) => tensor('FP16', [bits.length], Uint16Array.from(bits));
    expect(() => expect(half(0x4000)).toMatchTensor(half(0x4400))).toThrow('to be 4, got 2: off by 0.5 of it');
  });

  it.each<[string, object | number, string]>([
    ['for no architecture', { x86: 1e-3 }, 'for an architecture, got one for x86'],
    ['that is no number', Number.NaN, 'from 0 up, got NaN'],
    ['below 0', { arm64: -1 }, 'from 0 up, got -1'],
  ])('refuses a tolerance %s, whatever is expected', (_what, tolerance, message) => {
    const error = expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) });
    expect(() => expect(floats(1)).toMatchTensor(floats(1), tolerance as number)).toThrow(error);
    expect(() => expect(floats(1)).not.toMatchTensor(floats(2), tolerance as number)).toThrow(error);
  });

  it('takes any tensor for itself, NaN and infinities included, and none that differs in one element', () => {
    let cases = 0;
    fc.assert(
      fc.property(fc.float32Array({ minLength: 1, maxLength: 50 }), fc.nat(), (values, random) => {
        cases++;
        const shape = [1, values.length];
        expect(tensor('FP32', shape, values)).toMatchTensor(tensor('FP32', shape, values.slice()));
        const other = values.slice();
        const at = random % values.length;
        const value = values[at] ?? 0;
        other[at] = Number.isFinite(value) ? (Math.abs(value) < 1e30 ? value * 2 + 1 : 0) : 0;
        expect(tensor('FP32', shape, other)).not.toMatchTensor(tensor('FP32', shape, values));
      }),
      { numRuns: runs(200) },
    );
    console.log(`toMatchTensor: ${cases} random tensors`);
  });
});
