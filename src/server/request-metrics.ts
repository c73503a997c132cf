// What is counted of requests and runs: in Triton's names where it is the same thing, else in glowplug's.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Labels, Metrics } from '../observe/metrics.ts';
import type { Unit } from './units.ts';

/** Seconds: from a tiny model's answer to a minute's limit. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** `gone`: the client did not wait for it. Of a gRPC call path and status are those of the same question over HTTP. */
export interface Answered {
  readonly path: string;
  readonly status: number | 'gone';
  readonly ms: number;
}

export class RequestMetrics {
  readonly #requests;
  readonly #seconds;
  readonly #success;
  readonly #failure;
  readonly #us;

  constructor(metrics: Metrics, units: readonly Unit[], open: () => number) {
    this.#requests = metrics.counter('glowplug_requests_total', 'Requests answered, by unit and status.');
    this.#seconds = metrics.histogram(
      'glowplug_request_duration_seconds',
      'From arrival to the end of the answer.',
      buckets,
    );
    this.#success = metrics.counter('nv_inference_request_success', 'Inference requests that were answered with 200.');
    this.#failure = metrics.counter('nv_inference_request_failure', 'Inference requests that were not.');
    this.#us = metrics.counter(
      'nv_inference_request_duration_us',
      'Time of inference requests, from arrival to answer.',
    );
    metrics.gauge('glowplug_requests_in_flight', 'Requests that are not answered yet, this one included.', open);
    processMetrics(metrics);
    for (const model of units.flatMap(({ models }) => models)) {
      for (const counter of [this.#success, this.#failure, this.#us]) counter.add({ model }, 0);
    }
  }

  answered(unit: Unit, { path, status, ms }: Answered): void {
    this.#requests.add({ unit: unit.name, status: `${status}` });
    this.#seconds.observe({ unit: unit.name }, ms / 1000);
    const name = /\/models\/([^/]+)(?:\/versions\/[^/]+)?\/infer$/.exec(path)?.[1];
    // A label is one of ours: a client may not make new series.
    const model = name !== undefined && unit.models.includes(name) ? name : undefined;
    if (model === undefined) return;
    (status === 200 ? this.#success : this.#failure).add({ model });
    this.#us.add({ model }, Math.round(ms * 1000));
  }
}

/** One for each server: what runs report, by model. */
export function runMetrics(metrics: Metrics): (labels: Labels, run: { queueMs: number; runMs: number }) => void {
  const runs = metrics.counter('nv_inference_exec_count', 'Runs of the model: a batch is one.');
  const computing = metrics.counter('nv_inference_compute_infer_duration_us', 'Time in onnxruntime.');
  const waiting = metrics.counter(
    'nv_inference_queue_duration_us',
    'Time of runs between being asked for and beginning.',
  );
  return (labels, { queueMs, runMs }) => {
    runs.add(labels);
    computing.add(labels, Math.round(runMs * 1000));
    waiting.add(labels, Math.round(queueMs * 1000));
  };
}

function processMetrics(metrics: Metrics): void {
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  metrics.gauge('nodejs_eventloop_lag_p99_seconds', 'Of the event loop, since it was last asked.', () => {
    const seconds = loop.percentile(99) / 1e9;
    loop.reset();
    return Number.isFinite(seconds) ? seconds : 0;
  });
  metrics.gauge('process_resident_memory_bytes', 'RSS.', () => process.memoryUsage.rss());
  metrics.gauge('process_cpu_seconds_total', 'User and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge('process_start_time_seconds', 'Unix time.', () => Date.now() / 1000 - process.uptime());
}
