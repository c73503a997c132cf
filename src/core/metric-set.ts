// Metrics inside a line of the log: CloudWatch takes them from there, so publishing them costs no request and no SDK.
// Source: Amazon CloudWatch, "Embedded metric format specification".
import type { Fields } from './log.ts';

export type Unit = 'Milliseconds' | 'Bytes' | 'Count' | 'None';

export interface MetricSet {
  readonly namespace: string;
  /** Few and bounded: each combination of values is a metric that is paid for. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** Up to 100; of what happened several times, up to 100 values. */
  readonly metrics: Readonly<Record<string, { readonly value: number | readonly number[]; readonly unit: Unit }>>;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/**
 * Fields that make a line of the log a metric set too; several sets of one line share its names and its time.
 *
 * @example
 * log.info('cold start', metricSet({ namespace: 'glowplug', dimensions: {}, metrics: { Boot: { value: 90, unit: 'Milliseconds' } }, timestamp: Date.now() }));
 */
export function metricSet(...sets: readonly [MetricSet, ...MetricSet[]]): Fields {
  const values = sets.flatMap(({ dimensions, metrics }) => [
    ...Object.entries(dimensions),
    ...Object.entries(metrics).map(([name, { value }]) => [name, value] as const),
  ]);
  return {
    _aws: {
      Timestamp: sets[0].timestamp,
      CloudWatchMetrics: sets.map(({ namespace, dimensions, metrics }) => ({
        Namespace: namespace,
        Dimensions: [Object.keys(dimensions)],
        Metrics: Object.entries(metrics).map(([Name, { unit }]) => ({ Name, Unit: unit })),
      })),
    },
    ...Object.fromEntries(values),
  };
}
