import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax, softmax, topK } from '../../src/process/softmax.ts';

const scores = fc.float32Array({ minLength: 1, maxLength: 50, noNaN: true, min: -1e4, max: 1e4 });

describe('softmax', () => {
  it('turns 0, ln 2 and ln 5 into 1/8, 2/8 and 5/8', () => {
    expect([...softmax(Float32Array.of(0, Math.log(2), Math.log(5)))]).toEqual([0.125, 0.25, 0.625].map(near));
  });

  it('takes each row of classes on its own', () => {
    const rows = softmax(Float32Array.of(0, Math.log(3), Math.log(3), 0), 2);
    expect([...rows]).toEqual([0.25, 0.75, 0.75, 0.25].map(near));
  });

  it('does not overflow on scores that exp could not hold', () => {
    expect([...softmax(Float32Array.of(1000, 1000))]).toEqual([0.5, 0.5]);
  });

  it('sums to 1 and keeps the order of the scores, for any scores', () => {
    let cases = 0;
    fc.assert(
      fc.property(scores, (row) => {
        cases++;
        const probabilities = softmax(row);
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4);
        expect(probabilities[argmax(row)]).toBe(Math.max(...probabilities));
      }),
    );
    console.log(`softmax: ${cases} cases`);
  });

  it('refuses scores that do not fill their rows', () => {
    expect(() => softmax(new Float32Array(5), 2)).toThrow('expected rows of 2 scores, got 5 scores');
  });
});

describe('topK', () => {
  it('ranks the best first, of equal ones the lower index, and leaves NaN out', () => {
    expect(topK(Float32Array.of(1, 3, Number.NaN, 3, 2), 3)).toEqual([
      { index: 1, score: 3 },
      { index: 3, score: 3 },
      { index: 4, score: 2 },
    ]);
  });

  it('gives what there is when k is more, and nothing for 0', () => {
    expect(topK(Float32Array.of(7), 5)).toEqual([{ index: 0, score: 7 }]);
    expect(topK(Float32Array.of(7), 0)).toEqual([]);
  });

  it('gives the start of the whole ranking, for any scores', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 60 }), (row, k) => {
        const sorted = [...row].sort((a, b) => b - a).slice(0, k);
        expect(topK(row, k).map(({ score }) => score)).toEqual(sorted.map((score) => expect.closeTo(score, 5)));
      }),
    );
  });
});

function near(value: number): unknown {
  return expect.closeTo(value, 6);
}
