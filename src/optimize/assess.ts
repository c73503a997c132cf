// Variants beside their reference over samples: parity, and the task's metric where samples have labels.
import { type Figures, lossOf, type MetricFigures } from '../core/gate.ts';
import { seededRandom } from '../core/seeded-random.ts';
import type { Session } from '../session/session.ts';
import { runSample } from './calibrate.ts';
import { bootstrap, type Interval, wilson } from './confidence.ts';
import type { Metric } from './metric.ts';
import { compareOutputs, type ParityCounts, totalParity } from './parity.ts';
import type { Sample } from './sample.ts';

/** What one sample counted: by the reference, by the variant. */
interface Pair {
  readonly right: readonly number[];
  readonly other: readonly number[];
}

/** One sample at a time through all sessions, so that memory is that of one. Order: as `variants`. */
export async function assess(
  reference: Session,
  variants: readonly Session[],
  samples: readonly Sample[],
  metric: Metric | undefined,
  onSample: (done: number) => void = () => undefined,
): Promise<Figures[]> {
  const parity = variants.map((): ParityCounts[] => []);
  const pairs = variants.map((): Pair[] => []);
  for (const [done, sample] of samples.entries()) {
    onSample(done);
    const right = await runSample(reference, sample);
    const counted = metric && sample.label !== undefined ? metric.count(right, sample.label) : undefined;
    for (const [at, session] of variants.entries()) {
      const other = await runSample(session, sample);
      parity[at]!.push(compareOutputs(right, other));
      if (metric && counted) pairs[at]!.push({ right: counted, other: metric.count(other, sample.label) });
    }
  }
  return variants.map((_, at) => ({
    samples: samples.length,
    ...totalParity(parity[at]!),
    ...(metric && pairs[at]!.length > 0 ? { metric: metricFigures(metric, pairs[at]!) } : {}),
  }));
}

function metricFigures(metric: Metric, pairs: readonly Pair[]): MetricFigures {
  const { name, better } = metric;
  const of = (drawn: readonly Pair[], which: keyof Pair) => metric.value(sumOf(drawn.map((pair) => pair[which])));
  const lossIn = (drawn: readonly Pair[]) =>
    lossOf({ name, better, value: of(drawn, 'other'), reference: of(drawn, 'right'), interval: [0, 0], loss: [0, 0] });
  // Both by the same draws of the same samples: what is hard for one is hard for the other.
  return {
    name,
    better,
    value: of(pairs, 'other'),
    interval: intervalOf(metric, pairs),
    reference: of(pairs, 'right'),
    loss: bootstrap(pairs, lossIn, seededRandom(1)),
  };
}

function intervalOf(metric: Metric, pairs: readonly Pair[]): Interval {
  if (metric.binary) {
    const [right = 0, all = 0] = sumOf(pairs.map(({ other }) => other));
    return wilson(right, all);
  }
  return bootstrap(pairs, (drawn) => metric.value(sumOf(drawn.map(({ other }) => other))), seededRandom(1));
}

function sumOf(counts: readonly (readonly number[])[]): number[] {
  const sums: number[] = [];
  for (const count of counts) for (const [at, value] of count.entries()) sums[at] = (sums[at] ?? 0) + value;
  return sums;
}
