// The figures that a gate rests on: metrics, intervals, parity.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Figures, type Gate, gateFailures, lossOf } from '../../src/core/gate.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { bootstrap, wilson } from '../../src/optimize/confidence.ts';
import {
  characterErrors,
  editDistance,
  type Metric,
  macroF1,
  maskIou,
  topOne,
  wordErrors,
} from '../../src/optimize/metric.ts';
import { compareOutputs, totalParity } from '../../src/optimize/parity.ts';
import { thisProcessor } from '../../src/optimize/processor.ts';
import { splitSamples } from '../../src/optimize/split-samples.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { runs } from '../runs.ts';

const scores = (...values: number[]): Tensors => ({ y: tensor('FP32', [1, values.length], Float32Array.from(values)) });
const over = (metric: Metric, pairs: [Tensors, unknown][]) => {
  const counts = pairs.map(([outputs, label]) => metric.count(outputs, label));
  return metric.value(counts.reduce((a, b) => a.map((value, at) => value + b[at]!)));
};

describe('metrics', () => {
  it('top-1 counts who is right, by index or by name', () => {
    const pairs: [Tensors, unknown][] = [
      [scores(0, 1), 1],
      [scores(1, 0), '1'],
      [scores(0, 1), 1],
    ];
    expect(over(topOne('y'), pairs)).toBeCloseTo(2 / 3);
    expect(over(topOne('y', ['cat', 'dog']), [[scores(0, 1), 'dog']])).toBe(1);
    expect(() => topOne('y', ['cat']).count(scores(1), 'cow')).toThrow(
      'expected one of ["cat"] as the label, got "cow"',
    );
    expect(() => topOne('z').count(scores(1), 0)).toThrow('expected an output "z" of FP32 for the metric, got none');
  });

  it('F1 is the mean over classes, those that never come left out', () => {
    const metric = macroF1('y', ['a', 'b', 'c']);
    // a: 1 right of 2 answered, 1 there → 2/3. b: 0 right, 0 answered, 1 there → 0. c never comes.
    expect(
      over(metric, [
        [scores(1, 0, 0), 'a'],
        [scores(1, 0, 0), 'b'],
      ]),
    ).toBeCloseTo(1 / 3);
  });

  it('CER and WER are edits by what is right', () => {
    const read = () => 'a quick fox';
    expect(over(characterErrors(read), [[{}, 'a quack fox']])).toBeCloseTo(1 / 11);
    expect(over(wordErrors(read), [[{}, 'a very quick fox']])).toBeCloseTo(1 / 4);
    expect(() => characterErrors(read).count({}, 7)).toThrow('expected a text as the label, got 7');
  });

  it('IoU is what both have by what either has', () => {
    expect(over(maskIou('y'), [[scores(0.9, 0.9, 0.1, 0.1), [1, 0, 1, 0]]])).toBeCloseTo(1 / 3);
    expect(over(maskIou('y'), [[scores(0.1), [0]]])).toBe(1);
  });

  it('the edit distance is a metric: symmetric, 0 only for equals, within the triangle', () => {
    const text = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') }).map((one) => [...one]);
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a.join('') === b.join(''));
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('intervals', () => {
  it('of Wilson: the textbook’s values', () => {
    // A. Agresti, An Introduction to Categorical Data Analysis, 1.4.3: 9 of 10.
    const [low, high] = wilson(9, 10);
    expect(low).toBeCloseTo(0.596, 3);
    expect(high).toBeCloseTo(0.982, 3);
    expect(wilson(0, 25)[0]).toBe(0);
    expect(wilson(25, 25)[1]).toBe(1);
  });

  it('hold the truth in about 95 of 100 cases, drawn as well as computed', () => {
    const random = seededRandom(11);
    const count = { cases: runs(100), wilson: 0, bootstrap: 0 };
    for (let at = 0; at < count.cases; at++) {
      const hits: number[] = Array.from({ length: 60 }, () => (random() < 0.7 ? 1 : 0));
      const right = hits.reduce((a, b) => a + b, 0);
      const within = ([low, high]: readonly [number, number]) => (low <= 0.7 && 0.7 <= high ? 1 : 0);
      count.wilson += within(wilson(right, 60));
      count.bootstrap += within(bootstrap(hits, (drawn) => drawn.reduce((a, b) => a + b, 0) / drawn.length, random));
    }
    console.log(
      `of ${count.cases} intervals of 95 %: Wilson ${count.wilson}, bootstrap ${count.bootstrap} hold the truth`,
    );
    expect(count.wilson / count.cases).toBeGreaterThan(0.88);
    expect(count.bootstrap / count.cases).toBeGreaterThan(0.86);
  });
});

describe('parity', () => {
  it('of a model with itself is perfect', () => {
    const outputs = {
      y: tensor('FP32', [2, 3], Float32Array.of(1, -2, 3, 4, 5, 6)),
      n: tensor('INT64', [1], BigInt64Array.of(3n)),
    };
    expect(totalParity([compareOutputs(outputs, outputs)])).toEqual({
      cosine: 1,
      maxError: 0,
      relativeError: 0,
      argmax: 1,
    });
  });

  it('sees NaN, a missing output and another shape as far off as can be', () => {
    const right = scores(1, 2);
    for (const other of [scores(1, Number.NaN), {}, scores(1, 2, 3)]) {
      const { cosine, maxError, relativeError } = compareOutputs(right, other);
      expect([cosine, maxError, relativeError]).toEqual([-1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    }
  });

  it('counts rows whose greatest element is at the same place', () => {
    const rows = (...values: number[]) => ({ y: tensor('FP32', [2, 2], Float32Array.from(values)) });
    expect(totalParity([compareOutputs(rows(1, 2, 3, 4), rows(1, 2, 4, 3))]).argmax).toBe(0.5);
  });
});

describe('a gate', () => {
  const figures: Figures = {
    samples: 10,
    cosine: 0.99,
    maxError: 0.1,
    relativeError: 0.05,
    argmax: 0.98,
    metric: { name: 'CER', better: 'lower', value: 0.03, interval: [0, 0.1], reference: 0.02, loss: [0, 0.02] },
  };

  it.each<[Gate, string[]]>([
    [{}, []],
    [{ cosine: 0.99, maxError: 0.1, relativeError: 0.05, argmax: 0.98, metricLoss: 0.0101 }, []],
    [{ cosine: 0.995 }, ['cosine 0.99 is below 0.995']],
    [{ argmax: 0.99, maxError: 0.01 }, ['argmax agreement 0.98 is below 0.99', 'greatest error 0.1 is above 0.01']],
    [{ relativeError: 0.01 }, ['relative error 0.05 is above 0.01']],
    [{ metricLoss: 0.005 }, ['loss of CER 0.01 is above 0.005']],
  ])('%j', (gate, failures) => {
    expect(gateFailures(gate, figures)).toEqual(failures);
  });

  it('fails where figures are no numbers, or the metric was never counted', () => {
    expect(gateFailures({ cosine: 0 }, { ...figures, cosine: Number.NaN })).toHaveLength(1);
    const { metric, ...without } = figures;
    expect(gateFailures({ metricLoss: 1 }, without)).toEqual(['a bound of the metric, and samples without labels']);
    expect(lossOf({ ...metric!, better: 'higher' })).toBeCloseTo(-0.01);
  });
});

describe('samples', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `${at}`, feeds: {} }));

  it('are parted for three purposes, none in two of them', () => {
    for (const count of [12, 40, 400, 1000]) {
      const { calibration, trial, held } = splitSamples(many(count));
      const names = [...calibration, ...trial, ...held].map(({ name }) => name);
      expect(new Set(names).size).toBe(count);
      expect(names.length).toBe(count);
      expect(calibration.length).toBeLessThanOrEqual(100);
      expect(held.length).toBeGreaterThanOrEqual(count / 2);
    }
    expect(splitSamples(many(3)).held).toHaveLength(3);
  });
});

describe('this processor', () => {
  it('is told by the flags that decide which kernels run, on x86-64 and on arm64', () => {
    const x64 = thisProcessor(() => 'model name : X\nflags\t\t: fpu avx2 avx512_vnni f16c\n');
    expect(x64.features).toEqual(['avx2', 'avx512_vnni', 'f16c']);
    expect(thisProcessor(() => 'Features\t: fp asimddp i8mm\n').features).toEqual(['asimddp', 'i8mm']);
    const none = thisProcessor(() => {
      throw new Error('not Linux');
    });
    expect(none.features).toEqual([]);
    expect(['amd64', 'arm64']).toContain(none.architecture);
  });
});
