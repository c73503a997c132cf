// A window's records beside the baseline: each feature's distances, and whether it drifts.
import { type Baseline, counts, type FeatureBaseline, others, sortedNumbers, valuesByFeature } from './baseline.ts';
import { chiSquare } from './chi-square.ts';
import { jensenShannon, kolmogorovSmirnov, stabilityIndex, totalVariation } from './drift.ts';
import type { CapturedRecord, Feature } from './record.ts';

export interface FeatureReport {
  readonly name: string;
  readonly kind: 'number' | 'text';
  readonly count: number;
  /** Share of the records that do not have it. */
  readonly absent: number;
  /** Where a bar begins and ends, or the value it stands for; the shares are in this order. */
  readonly bars: readonly string[];
  readonly expected: readonly number[];
  readonly actual: readonly number[];
  readonly stabilityIndex: number;
  readonly jensenShannon: number;
  readonly totalVariation: number;
  /** Of numbers. */
  readonly kolmogorovSmirnov?: { readonly distance: number; readonly p: number };
  /** Of texts. */
  readonly chiSquare?: { readonly statistic: number; readonly freedom: number; readonly p: number };
  readonly drifts: boolean;
}

export interface Drift {
  readonly records: number;
  /** Too few records: nothing is called drift. */
  readonly tooFew: boolean;
  readonly features: readonly FeatureReport[];
  /** In the baseline, and no longer sent. */
  readonly gone: readonly string[];
  /** Sent, and not in the baseline. */
  readonly unknown: readonly string[];
}

export const fewestRecords = 100;
const mostStable = 0.2;
const chance = 0.001;
/** So many more records without the feature, or with another kind of it, are drift. */
const mostAbsent = 0.1;
const bins = 10;

export function compare(baseline: Baseline, records: readonly CapturedRecord[]): Drift {
  const seen = valuesByFeature(records);
  const tooFew = records.length < fewestRecords;
  const names = Object.keys(baseline.features);
  return {
    records: records.length,
    tooFew,
    features: names.flatMap((name) => {
      const [was, now] = [baseline.features[name]!, seen.get(name)];
      if (now === undefined) return [];
      const report = was.kind === 'number' ? compareNumbers(was.quantiles, was.count, now) : compareTexts(was, now);
      const absent = 1 - now.length / records.length;
      const fewer = absent - (1 - was.count / baseline.records) > mostAbsent;
      const drifts = !tooFew && (fewer || (report.drifts && now.length >= fewestRecords));
      return [{ name, kind: was.kind, count: now.length, ...report, absent, drifts }];
    }),
    gone: tooFew ? [] : names.filter((name) => !seen.has(name)),
    unknown: [...seen.keys()].filter((name) => !names.includes(name)),
  };
}

type Compared = Omit<FeatureReport, 'name' | 'kind' | 'count' | 'absent'>;

/** The bins are the baseline's tenths, of which equal ones fall together, and what lies under and over all of it. */
function compareNumbers(quantiles: readonly number[], count: number, values: readonly Feature[]): Compared {
  const inner = Array.from(
    { length: bins - 1 },
    (_, at) => quantiles[Math.round(((at + 1) / bins) * (quantiles.length - 1))]!,
  );
  const [least, greatest] = [quantiles[0]!, quantiles.at(-1)!];
  const edges = [below(least), ...new Set(inner.filter((edge) => edge < greatest)), greatest];
  const now = sortedNumbers(values);
  const [expected, actual] = [shares(quantiles, edges), shares(now, edges)];
  const test = kolmogorovSmirnov(quantiles, now, [count, now.length]);
  const inside = edges.slice(1).map((edge, at) => `${short(at === 0 ? least : edges[at]!)} to ${short(edge)}`);
  const bars = [`under ${short(least)}`, ...inside, `over ${short(greatest)}`];
  const figures = distances(expected, actual, Math.min(count, now.length));
  return {
    bars,
    expected,
    actual,
    ...figures,
    kolmogorovSmirnov: test,
    drifts: now.length < values.length * (1 - mostAbsent) || (test.p < chance && figures.stabilityIndex > mostStable),
  };
}

function short(value: number): string {
  return `${Number(value.toPrecision(4))}`;
}

/** The next smaller number, or nearly. */
function below(value: number): number {
  return value - Math.max(Math.abs(value) * Number.EPSILON, Number.MIN_VALUE);
}

/** Shares of sorted numbers up to each edge, and over the last. */
function shares(sorted: readonly number[], edges: readonly number[]): number[] {
  const upTo = [...edges.map((edge) => countUpTo(sorted, edge)), sorted.length];
  return upTo.map((count, at) => (sorted.length === 0 ? 0 : (count - (upTo[at - 1] ?? 0)) / sorted.length));
}

function countUpTo(sorted: readonly number[], edge: number): number {
  const at = sorted.findIndex((value) => value > edge);
  return at < 0 ? sorted.length : at;
}

function compareTexts(was: Extract<FeatureBaseline, { kind: 'text' }>, values: readonly Feature[]): Compared {
  const found = counts(values);
  const known = Object.keys(was.values).filter((value) => value !== others);
  const bars = [...known, others];
  const named = known.map((value) => (found.get(value) ?? 0) / values.length);
  const expected = bars.map((value) => (was.values[value] ?? 0) / was.count);
  const actual = [...named, Math.max(0, 1 - named.reduce((sum, share) => sum + share, 0))];
  const figures = distances(expected, actual, Math.min(was.count, values.length));
  const came = known.map((value) => found.get(value) ?? 0);
  const test = chiSquare(
    bars.map((value) => was.values[value] ?? 0),
    [...came, values.length - came.reduce((sum, count) => sum + count, 0)],
  );
  const drifts = test.p < chance && figures.stabilityIndex > mostStable;
  return { bars, expected, actual, ...figures, chiSquare: test, drifts };
}

/** What one of `count` values has not seen counts as half of one. */
function distances(expected: readonly number[], actual: readonly number[], count: number) {
  return {
    stabilityIndex: stabilityIndex(expected, actual, 0.5 / Math.max(1, count)),
    jensenShannon: jensenShannon(expected, actual),
    totalVariation: totalVariation(expected, actual),
  };
}
