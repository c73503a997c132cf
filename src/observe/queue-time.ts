// How long runs waited, as CloudWatch reads it from a log: the metric by which an endpoint scales.
// Source: Amazon CloudWatch, "Embedded metric format specification".

export const queueTimeMetric = { namespace: 'glowplug', name: 'QueueMilliseconds', dimension: 'Endpoint' } as const;

export class QueueTime {
  readonly #endpoint: string;
  #sum = 0;
  #count = 0;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  ran(queueMs: number): void {
    this.#sum += queueMs;
    this.#count++;
  }

  /**
   * The mean since the last line, in milliseconds. Nothing to do is 0, not silence: an idle target takes part in the mean.
   * `now`: milliseconds since 1970.
   */
  line(now: number): string {
    const { namespace, name, dimension } = queueTimeMetric;
    const mean = this.#count === 0 ? 0 : this.#sum / this.#count;
    this.#sum = 0;
    this.#count = 0;
    const Metrics = [{ Name: name, Unit: 'Milliseconds' }];
    return JSON.stringify({
      _aws: { Timestamp: now, CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [[dimension]], Metrics }] },
      [dimension]: this.#endpoint,
      [name]: mean,
    });
  }
}
