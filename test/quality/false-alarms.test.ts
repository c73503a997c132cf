// How often the same traffic is called drift, feature by feature, and that other traffic is: seeded, so a rate is the same every day.
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { makeBaseline } from '../../src/quality/baseline.ts';
import { chiSquare, upperGamma } from '../../src/quality/chi-square.ts';
import { compare } from '../../src/quality/compare.ts';
import type { CapturedRecord, Feature } from '../../src/quality/record.ts';
import { runs } from '../runs.ts';

const random = seededRandom(3);
const records = (count: number, draw: (at: number) => Feature | undefined): CapturedRecord[] =>
  Array.from({ length: count }, (_, at) => {
    const value = draw(at);
    return { requestId: '', at: '', features: value === undefined ? {} : { value } };
  });
const drifts = (was: CapturedRecord[], now: CapturedRecord[]) =>
  compare(makeBaseline(was), now).features.some((feature) => feature.drifts);

/** As Zipf has it; `shift` moves the frequent ones. */
const category = (count: number, shift = 0) => {
  const weights = Array.from({ length: count }, (_, at) => 1 / (((at + shift) % count) + 1));
  const all = weights.reduce((sum, one) => sum + one, 0);
  return () => {
    let left = random() * all;
    for (const [at, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return `class ${at}`;
    }
    return 'class 0';
  };
};
const normal = (shift: number) => () =>
  shift + Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

describe(`of ${runs(200)} windows of 100 records beside a baseline of 500`, () => {
  const rate = (was: () => Feature, now: () => Feature) => {
    const trials = runs(200);
    const called = Array.from({ length: trials }, () => drifts(records(500, was), records(100, now)));
    return called.filter(Boolean).length / trials;
  };

  it('almost none of the same traffic is called drift, and other traffic is', () => {
    let id = 0;
    const found = {
      same: {
        numbers: rate(normal(0), normal(0)),
        classes5: rate(category(5), category(5)),
        classes20: rate(category(20), category(20)),
        classes40: rate(category(40), category(40)),
        ids: rate(
          () => `id ${id++}`,
          () => `id ${id++}`,
        ),
      },
      other: {
        numbers: rate(normal(0), normal(1)),
        classes5: rate(category(5), category(5, 1)),
        classes20: rate(category(20), category(20, 3)),
      },
    };
    console.log(`drift, share of windows: ${JSON.stringify(found)}`);
    for (const share of Object.values(found.same)) expect(share).toBeLessThanOrEqual(0.03);
    for (const share of Object.values(found.other)) expect(share).toBeGreaterThan(0.95);
  });
});

it('sees what lies beyond all that the baseline has seen, on either side', () => {
  const coin = (low: number, high: number) => (at: number) => (at % 2 ? low : high);
  expect(drifts(records(500, coin(0, 1)), records(200, coin(0, 1)))).toBe(false);
  expect(drifts(records(500, coin(0, 1)), records(200, coin(0, 5)))).toBe(true);
  expect(drifts(records(500, coin(0, 1)), records(200, coin(-5, 1)))).toBe(true);
});

it('sees a feature that many records no longer have, or have as another kind, and not one that a few have so', () => {
  const was = records(500, () => random());
  const missing = (every: number) => records(200, (at) => (at % every === 0 ? undefined : random()));
  const text = (every: number) => records(200, (at) => (at % every === 0 ? 'none' : random()));
  expect([drifts(was, missing(2)), drifts(was, text(2))]).toEqual([true, true]);
  expect([drifts(was, missing(50)), drifts(was, text(50))]).toEqual([false, false]);
});

describe('chi-square', () => {
  it('has the values of its definition, and the table’s p', () => {
    // 10, 20 against 20, 10: each expects 15, four squares of 25 ÷ 15.
    expect(chiSquare([10, 20], [20, 10])).toEqual({
      statistic: expect.closeTo(100 / 15, 12),
      freedom: 1,
      p: expect.closeTo(0.0098, 4),
    });
    // Critical values: 3.841 and 11.070 at 5 %, 16.812 at 1 %, of 1, 5 and 6 degrees of freedom; Q(1, x) is e⁻ˣ.
    expect(upperGamma(0.5, 3.841 / 2)).toBeCloseTo(0.05, 4);
    expect(upperGamma(2.5, 11.07 / 2)).toBeCloseTo(0.05, 4);
    expect(upperGamma(3, 16.812 / 2)).toBeCloseTo(0.01, 5);
    expect(upperGamma(1, 3)).toBeCloseTo(Math.exp(-3), 15);
    expect([upperGamma(24.5, 0), upperGamma(24.5, 1e4)]).toEqual([1, 0]);
  });

  it('joins small cells, and compares nothing where nothing is', () => {
    expect(chiSquare([500, 1, 1, 1], [500, 0, 0, 3]).freedom).toBe(1);
    for (const [a, b] of [
      [[], []],
      [
        [0, 0],
        [3, 4],
      ],
      [[5], [9]],
    ] as const)
      expect(chiSquare(a, b).p).toBe(1);
  });
});
