// The statistics: exact small cases, what must hold of any, and how often the same population is called another.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { makeBaseline } from '../../src/quality/baseline.ts';
import { compare } from '../../src/quality/compare.ts';
import { jensenShannon, kolmogorovSmirnov, stabilityIndex, totalVariation } from '../../src/quality/drift.ts';
import type { CapturedRecord, Features } from '../../src/quality/record.ts';
import { runs } from '../runs.ts';

const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 12 });
const shares = (list: readonly number[]) => list.map((one) => one / list.reduce((a, b) => a + b));
const pairs = weights.chain((a) =>
  fc
    .array(fc.integer({ min: 1, max: 1000 }), { minLength: a.length, maxLength: a.length })
    .map((b) => [shares(a), shares(b)] as const),
);

describe('distances of shares', () => {
  it('have the values of their definitions', () => {
    // (0.6 − 0.5) ln(0.6 / 0.5) + (0.4 − 0.5) ln(0.4 / 0.5)
    expect(stabilityIndex([0.5, 0.5], [0.6, 0.4])).toBeCloseTo(0.0405465, 7);
    // H(0.75, 0.25) − (H(1, 0) + H(0.5, 0.5)) / 2 = 0.8112781 − 0.5
    expect(jensenShannon([1, 0], [0.5, 0.5])).toBeCloseTo(Math.sqrt(0.3112781), 6);
    expect(jensenShannon([1, 0], [0, 1])).toBe(1);
    expect(totalVariation([0.5, 0.3, 0.2], [0.1, 0.3, 0.6])).toBeCloseTo(0.4, 12);
  });

  it(`are symmetric, nothing for equal shares alone, and bounded (${runs(1000)} pairs)`, () => {
    fc.assert(
      fc.property(pairs, ([p, q]) => {
        for (const distance of [stabilityIndex, jensenShannon, totalVariation]) {
          expect(distance(p, q)).toBeCloseTo(distance(q, p), 10);
          expect(distance(p, p)).toBe(0);
          expect(distance(p, q)).toBeGreaterThanOrEqual(0);
        }
        expect(jensenShannon(p, q)).toBeLessThanOrEqual(1);
        expect(totalVariation(p, q)).toBeLessThanOrEqual(1);
        // Pinsker's, for both: TV² ≤ 2 ln 2 · JS²
        expect(totalVariation(p, q) ** 2).toBeLessThanOrEqual(2 * Math.LN2 * jensenShannon(p, q) ** 2 + 1e-12);
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe('Kolmogorov–Smirnov', () => {
  it('has the values of its definition, and the table’s p', () => {
    expect(kolmogorovSmirnov([1, 2, 3, 4], [3, 4, 5, 6]).distance).toBe(0.5);
    expect(kolmogorovSmirnov([1, 1, 1], [1, 1, 1])).toEqual({ distance: 0, p: 1 });
    expect(kolmogorovSmirnov([1, 2], [3, 4]).distance).toBe(1);
    // Critical values of large samples: D·√(mn/(m+n)) = 1.358 at 5 %, 1.628 at 1 %.
    const [m, n] = [1_000_000, 1_000_000];
    for (const [x, p] of [
      [1.358, 0.05],
      [1.628, 0.01],
    ] as const) {
      const distance = x / Math.sqrt((m * n) / (m + n));
      const a = Array.from({ length: 100_000 }, (_, at) => at / 100_000);
      const b = a.map((value) => value + distance);
      expect(kolmogorovSmirnov(a, b, [m, n]).p).toBeCloseTo(p, 2);
    }
  });

  it(`calls the same population another one about as often as p says (${runs(2000)} pairs of samples)`, () => {
    const random = seededRandom(7);
    const draw = () => Array.from({ length: 200 }, random).sort((a, b) => a - b);
    const trials = runs(2000);
    const called = Array.from({ length: trials }, () => kolmogorovSmirnov(draw(), draw()).p).filter(
      (p) => p < 0.05,
    ).length;
    console.log(`Kolmogorov–Smirnov: p under 0.05 for ${called} of ${trials} pairs of one population`);
    expect(called / trials).toBeLessThan(0.08);
    expect(called / trials).toBeGreaterThan(0.02);
  });
});

describe('compare', () => {
  const random = seededRandom(11);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const record = (features: Features): CapturedRecord => ({
    requestId: `${random()}`,
    at: '2026-01-01T00:00:00Z',
    features,
  });
  const sample = (count: number, shift = 0, spam = 0.3) =>
    Array.from({ length: count }, () =>
      record({
        length: Math.exp(5 + normal() + shift),
        spam: random() < spam,
        kind: random() < 0.5 ? 'a' : 'b',
        fixed: 3,
      }),
    );
  const baseline = makeBaseline(sample(1000), 'spam');

  it(`calls the same traffic drift in at most one of 200 windows, and other traffic in each (${runs(200)})`, () => {
    const trials = runs(200);
    const alarms = (make: () => CapturedRecord[]) =>
      Array.from({ length: trials }, () => compare(baseline, make()).features.filter(({ drifts }) => drifts)).filter(
        ({ length }) => length > 0,
      ).length;
    const found = {
      same: alarms(() => sample(200)),
      longer: alarms(() => sample(200, 0.8)),
      spam: alarms(() => sample(200, 0, 0.6)),
    };
    console.log(`drift: alarms in ${trials} windows of 200 records: ${JSON.stringify(found)}`);
    expect(found.same).toBeLessThanOrEqual(trials / 200);
    expect(found.longer).toBe(trials);
    expect(found.spam).toBeGreaterThanOrEqual(trials * 0.95);
  });

  it('says what is gone, what is unknown, and what is of another kind', () => {
    const now = Array.from({ length: 150 }, () => record({ length: '3', spam: false, fixed: 3, more: 1 }));
    const drift = compare(baseline, now);
    expect(drift).toMatchObject({ records: 150, tooFew: false, gone: ['kind'], unknown: ['more'] });
    expect(drift.features.filter(({ drifts }) => drifts).map(({ name }) => name)).toEqual(['length', 'spam']);
  });

  it('calls nothing drift of fewer than 100 records, and takes a constant that changes for what it is', () => {
    const few = compare(baseline, sample(99, 5));
    expect([few.tooFew, few.features.some(({ drifts }) => drifts), few.gone]).toEqual([true, false, []]);
    const moved = compare(
      baseline,
      sample(150).map((one) => ({ ...one, features: { ...one.features, fixed: 4 } })),
    );
    expect(moved.features.find(({ name }) => name === 'fixed')).toMatchObject({
      drifts: true,
      bars: ['under 3', '3 to 3', 'over 3'],
      actual: [0, 0, 1],
    });
  });

  it('keeps shares that sum to one', () => {
    for (const { expected, actual } of compare(baseline, sample(333)).features) {
      for (const side of [expected, actual]) expect(side.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    }
  });
});
