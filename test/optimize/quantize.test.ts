// What quantised numbers may be off by, over random weights and ranges.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTo, entropyRange, histogramOver, percentileRange } from '../../src/optimize/histogram.ts';
import { affineOf, quantizeChannels, roundEven } from '../../src/optimize/quantize-array.ts';
import { quantizeBlocks } from '../../src/optimize/quantize-blocks.ts';
import { runs } from '../runs.ts';

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e6), max: Math.fround(1e6) });
const matrix = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 9 })).chain(([rows, columns]) =>
  fc.record({
    dims: fc.constant([rows, columns]),
    values: fc.array(float, { minLength: rows * columns, maxLength: rows * columns }),
    axis: fc.constantFrom(0, 1),
  }),
);

/** Of float32 arithmetic beside the half step that rounding costs. */
const SLACK = 1e-5;

describe('weights in INT8', () => {
  it('come back within half a step of their own channel, and zeros as zeros', () => {
    let elements = 0;
    fc.assert(
      fc.property(matrix, ({ dims, values, axis }) => {
        const floats = Float32Array.from(values);
        const { data, scales } = quantizeChannels(floats, dims, axis);
        expect(scales.length).toBe(dims[axis]);
        for (const [at, value] of floats.entries()) {
          const scale = scales[axis === 0 ? Math.floor(at / dims[1]!) : at % dims[1]!]!;
          expect(Math.abs(data[at]! * scale - value)).toBeLessThanOrEqual(scale * (0.5 + SLACK));
          if (value === 0) expect(data[at]).toBe(0);
          elements++;
        }
      }),
      { numRuns: runs(500) },
    );
    console.log(`${elements} weights came back within half a step`);
  });

  it('use the whole range of each channel', () => {
    fc.assert(
      fc.property(matrix, ({ dims, values, axis }) => {
        const { data } = quantizeChannels(Float32Array.from(values), dims, axis);
        for (let channel = 0; channel < dims[axis]!; channel++) {
          const own = values.map((value, at) => ({ value: Math.fround(value), code: data[at]!, at }));
          const its = own.filter(({ at }) => (axis === 0 ? Math.floor(at / dims[1]!) : at % dims[1]!) === channel);
          const largest = its.reduce((a, b) => (Math.abs(b.value) > Math.abs(a.value) ? b : a));
          if (Math.abs(largest.value) > 1e-20) expect(Math.abs(largest.code)).toBe(127);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  it('round ties to the even number, as onnxruntime does', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.4999, 2].map(roundEven).map((one) => one + 0)).toEqual([0, 2, 2, 0, -2, 0, 2]);
  });
});

describe('activations in UINT8', () => {
  it('within their range come back within half a step, 0 exactly', () => {
    fc.assert(
      fc.property(float, float, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, part) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const { scale, zeroPoint } = affineOf(min, max);
        const value = min + part * (max - min);
        const code = Math.max(0, Math.min(255, roundEven(value / scale) + zeroPoint));
        // The zero point itself is rounded: at the ends that may cost another half step.
        expect(Math.abs((code - zeroPoint) * scale - value)).toBeLessThanOrEqual(scale * (1 + SLACK));
        expect(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255).toBe(true);
        expect(Number.isFinite(1 / scale)).toBe(true);
      }),
      { numRuns: runs(2000) },
    );
  });

  it('are cut where the rarest are: a stray value does not take the steps of the others', () => {
    const values = Float32Array.from({ length: 300_000 }, (_, at) => (at === 7 ? 1000 : Math.sin(at)));
    const histogram = histogramOver([-1, 1000]);
    addTo(histogram, values);
    const [low, high] = percentileRange(histogram);
    expect(low).toBeGreaterThanOrEqual(-1);
    expect(high).toBeLessThan(2);
  });

  it('keep nearly the whole range where values are spread evenly, by either method', () => {
    const histogram = histogramOver([-1, 1]);
    addTo(
      histogram,
      Float32Array.from({ length: 100_000 }, (_, at) => (at / 50_000) * 1 - 1),
    );
    for (const [low, high] of [percentileRange(histogram), entropyRange(histogram)]) {
      expect(low).toBeLessThan(-0.9);
      expect(high).toBeGreaterThan(0.9);
    }
  });

  it('lose their thin tails by entropy, but not what comes often', () => {
    const histogram = histogramOver([-50, 50]);
    const bell = (at: number) => [0, 1, 2, 3, 4, 5].reduce((sum, k) => sum + Math.sin(at * (k + 1) * 1.7 + k), 0);
    addTo(
      histogram,
      Float32Array.from({ length: 200_000 }, (_, at) => (at % 20_000 === 0 ? 50 : bell(at))),
    );
    const [, high] = entropyRange(histogram);
    expect(high).toBeLessThan(25);
    expect(high).toBeGreaterThan(4);
  });
});

describe('weights in blocks', () => {
  it.each([4, 8] as const)('of %i bits come back within a step of their block, cut off at the far end', (bits) => {
    const middle = 2 ** (bits - 1);
    fc.assert(
      fc.property(matrix, ({ dims: [rows = 1, columns = 1], values }) => {
        const floats = Float32Array.from(values);
        const { data, scales, blocks, size } = quantizeBlocks(floats, rows, columns, bits, 16);
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const at = column * blocks + Math.floor(row / size);
            const within = row % size;
            const byte = data[bits === 8 ? at * size + within : (at * size + within) >> 1]!;
            const code = bits === 8 ? byte : (byte >> (4 * (within & 1))) & 15;
            const scale = scales[at]!;
            const off = Math.abs((code - middle) * scale - floats[row * columns + column]!);
            // The highest code is middle − 1: what is as large as the extreme with the other sign loses a whole step.
            expect(off).toBeLessThanOrEqual(Math.abs(scale) * (1 + SLACK) + 1e-30);
          }
        }
      }),
      { numRuns: runs(300) },
    );
  });
});
