// Metrics inside a line of the log: CloudWatch takes them from there, so publishing them costs no request and no SDK.
// Source: Amazon CloudWatch, "Embedded metric format specification".
import type { Fields } from './log.ts';

export type Unit = 'Milliseconds' | 'Bytes' | 'Count';

export interface MetricSet {
  readonly namespace: string;
  /** Few and bounded: each combination of values is a metric that is paid for. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** Up to 100. */
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly unit: Unit }>>;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/**
 * Fields that make a line of the log a metric set too.
 *
 * @example
 * log.info('cold start', metricSet({ namespace: 'glowplug', dimensions: {}, metrics: { Boot: { value: 90, unit: 'Milliseconds' } }, timestamp: Date.now() }));
 */
export function metricSet({ namespace, dimensions, metrics, timestamp }: MetricSet): Fields {
  const named = Object.entries(metrics);
  return {
    _aws: {
      Timestamp: timestamp,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [Object.keys(dimensions)],
          Metrics: named.map(([Name, { unit }]) => ({ Name, Unit: unit })),
        },
      ],
    },
    ...dimensions,
    ...Object.fromEntries(named.map(([name, { value }]) => [name, value])),
  };
}
