// A registry of counters, gauges and histograms in Prometheus' text format. Anybody may add a metric.
// Source: prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(labels: Labels, by?: number): void;
}

export interface Histogram {
  observe(labels: Labels, value: number): void;
}

interface Sample {
  readonly suffix: string;
  readonly labels: Labels;
  readonly value: number;
}

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: () => Iterable<Sample>;
}

export class Metrics {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string): Counter {
    const series = new Series(() => 0);
    this.#add(name, {
      type: 'counter',
      help,
      samples: () => series.map((labels, value) => ({ suffix: '', labels, value })),
    });
    return { add: (labels, by = 1) => series.change(labels, (value) => value + by) };
  }

  /** Read when somebody asks. */
  gauge(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.#add(name, { type: 'gauge', help, samples: () => [{ suffix: '', labels, value: read() }] });
  }

  /** Several series of one name, read when somebody asks: they come and go. */
  series(
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    read: () => Iterable<{ readonly labels: Labels; readonly value: number }>,
  ): void {
    this.#add(name, { type, help, samples: () => [...read()].map((sample) => ({ suffix: '', ...sample })) });
  }

  /** `buckets`: upper bounds, rising; the last, +Inf, is added. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    const series = new Series(() => ({ counts: buckets.map(() => 0), count: 0, sum: 0 }));
    const samples = () =>
      series.map((labels, { counts, count, sum }) => [
        ...counts.map((value, at) => ({ suffix: '_bucket', labels: { ...labels, le: `${buckets[at]}` }, value })),
        { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
        { suffix: '_sum', labels, value: sum },
        { suffix: '_count', labels, value: count },
      ]);
    this.#add(name, { type: 'histogram', help, samples: () => samples().flat() });
    return {
      observe: (labels, value) =>
        series.change(labels, (kept) => {
          for (const [at, bound] of buckets.entries()) if (value <= bound) kept.counts[at]!++;
          kept.count++;
          kept.sum += value;
          return kept;
        }),
    };
  }

  render(): string {
    let text = '';
    for (const [name, { type, help, samples }] of this.#families) {
      text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
      for (const { suffix, labels, value } of samples()) text += `${name}${suffix}${braces(labels)} ${number(value)}\n`;
    }
    return text;
  }

  #add(name: string, family: Family): void {
    if (!/^[a-zA-Z_:][\w:]*$/.test(name)) throw new TypeError(`expected a metric’s name, got ${JSON.stringify(name)}`);
    if (this.#families.has(name)) throw new TypeError(`expected a name for each metric, got ${name} twice`);
    this.#families.set(name, family);
  }
}

/** Values by their labels. */
class Series<T> {
  readonly #values = new Map<string, { readonly labels: Labels; value: T }>();
  readonly #initial: () => T;

  constructor(initial: () => T) {
    this.#initial = initial;
  }

  change(labels: Labels, change: (value: T) => T): void {
    const key = Object.values(labels).join('\0');
    const entry = this.#values.get(key) ?? { labels, value: this.#initial() };
    this.#values.set(key, entry);
    entry.value = change(entry.value);
  }

  map<R>(give: (labels: Labels, value: T) => R): R[] {
    return [...this.#values.values()].map(({ labels, value }) => give(labels, value));
  }
}

function braces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (Number.isFinite(value)) return `${value}`;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
