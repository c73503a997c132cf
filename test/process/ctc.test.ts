import { describe, expect, it } from 'vitest';
import { ctcGreedy, meanConfidence } from '../../src/process/ctc.ts';

/** Steps that are sure of one of three classes; class 0 is the blank. */
const steps = (...best: readonly (readonly [index: number, probability: number])[]) =>
  Float32Array.from(best.flatMap(([index, p]) => [0, 1, 2].map((i) => (i === index ? p : (1 - p) / 2))));

describe('ctcGreedy', () => {
  it('joins repeats and drops blanks: 1 1 0 1 2 reads 1, 1, 2', () => {
    const symbols = ctcGreedy(steps([1, 0.75], [1, 0.875], [0, 1], [1, 0.5], [2, 1]), 3);
    expect(symbols).toEqual([
      { index: 1, from: 0, to: 1, confidence: 0.875 },
      { index: 1, from: 3, to: 3, confidence: 0.5 },
      { index: 2, from: 4, to: 4, confidence: 1 },
    ]);
    expect(meanConfidence(symbols)).toBeCloseTo((0.875 + 0.5 + 1) / 3);
  });

  it('reads nothing from blanks alone or from no steps, with confidence 0', () => {
    expect(ctcGreedy(steps([0, 1], [0, 0.9]), 3)).toEqual([]);
    expect(meanConfidence(ctcGreedy(new Float32Array(), 3))).toBe(0);
  });

  it('takes another class as the blank when told', () => {
    expect(ctcGreedy(steps([2, 1], [0, 1]), 3, 2).map(({ index }) => index)).toEqual([0]);
  });

  it('refuses values that do not fill their steps', () => {
    expect(() => ctcGreedy(new Float32Array(4), 3)).toThrow('expected steps of 3 classes, got 4 values');
  });
});
