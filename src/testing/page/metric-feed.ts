// The metrics that functions write into their logs, as CloudWatch would take them from there: embedded metric format, read back.
import { isRecord } from '../../core/is-record.ts';
import type { PageMetric } from './page-data.ts';

/** Of each metric the newest values are kept, and so many metrics of all functions. */
const keptValues = 500;
const keptMetrics = 1_000;

type Values = [at: number, value: number][];

export class MetricFeed {
  readonly #metrics = new Map<string, PageMetric & { readonly values: Values }>();

  get metrics(): PageMetric[] {
    return [...this.#metrics.values()];
  }

  /** One line of a function's log. */
  hear(functionName: string, line: string): void {
    if (!line.includes('"_aws"')) return;
    const root = rootOf(line);
    const embedded = root?.['_aws'];
    if (!root || !isRecord(embedded) || !Array.isArray(embedded['CloudWatchMetrics'])) return;
    const at = Number(embedded['Timestamp']);
    for (const directive of embedded['CloudWatchMetrics'].filter(isRecord)) {
      const { Dimensions, Metrics } = directive;
      if (!Array.isArray(Dimensions) || !Array.isArray(Metrics)) continue;
      for (const names of Dimensions.filter(Array.isArray)) {
        const dimensions = Object.fromEntries(
          names.filter((name) => name !== 'FunctionName').map((name) => [name, `${root[name]}`]),
        );
        for (const metric of Metrics.filter(isRecord)) {
          const [name, unit] = [`${metric['Name']}`, `${metric['Unit'] ?? 'None'}`];
          const values = [root[name]].flat().filter((value) => typeof value === 'number');
          this.#add({ function: functionName, name, unit, dimensions }, at, values);
        }
      }
    }
  }

  #add(metric: Omit<PageMetric, 'values'>, at: number, values: readonly number[]): void {
    const key = JSON.stringify(metric);
    let kept = this.#metrics.get(key);
    if (!kept) {
      if (this.#metrics.size >= keptMetrics) return;
      kept = { ...metric, values: [] };
      this.#metrics.set(key, kept);
    }
    for (const value of values) kept.values.push([at, value]);
    if (kept.values.length > keptValues) kept.values.splice(0, kept.values.length - keptValues);
  }
}

/** With log format JSON, Lambda may wrap what the function wrote. */
function rootOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line.slice(line.indexOf('{')));
    if (!isRecord(value)) return undefined;
    return isRecord(value['message']) ? value['message'] : value;
  } catch {
    return undefined;
  }
}
