// Where the time of a cold start goes: its stages, told after the first answer in one line of the log that is a metric set too.
import { type Clock, systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { type MetricSet, metricSet } from '../core/metric-set.ts';

/** Stage → its metric. */
export const metricNames = {
  boot: 'Boot',
  import: 'Import',
  resolve: 'Resolve',
  fetch: 'Fetch',
  verify: 'Verify',
  runtime: 'Runtime',
  create: 'Create',
  warm: 'Warm',
  run: 'FirstRun',
  request: 'FirstRequest',
} as const;

export type StageName = keyof typeof metricNames;

/** Times are milliseconds since the process began. */
export interface Stage {
  readonly stage: StageName;
  readonly from: number;
  readonly to: number;
  readonly model?: string;
  /** Of a fetch. */
  readonly bytes?: number;
  /** Of what is done bit by bit between `from` and `to`, how long it took in all: bytes are hashed as they land. */
  readonly ms?: number;
}

type About = Pick<Stage, 'model' | 'bytes'>;

export function isStageName(name: unknown): name is StageName {
  return typeof name === 'string' && Object.hasOwn(metricNames, name);
}

/** On demand; what init still does then goes on in the first invocation, within its timeout. */
const initLimitMs = 10_000;

/** The line's `message`, by which a log is searched. */
export const coldStartMessage = 'cold start';

/** Stages of the first request's way; after `finish` it forgets and records nothing. */
export class ColdStart {
  readonly #clock: Clock;
  readonly #askedAt: () => number | undefined;
  #stages: Stage[] | undefined = [];

  /**
   * @param importedAt until when the process booted, and from when the function's module loads
   * @param askedAt when the models were asked for, where that was before they are fetched
   */
  constructor(importedAt: number, clock: Clock = systemClock, askedAt: () => number | undefined = () => undefined) {
    this.#clock = clock;
    this.#askedAt = askedAt;
    this.#add('boot', 0, importedAt);
  }

  /** Of an environment whose start nobody asks about. */
  static over(): ColdStart {
    const over = new ColdStart(0);
    over.#stages = undefined;
    return over;
  }

  get isOver(): boolean {
    return this.#stages === undefined;
  }

  /** So far; undefined when it is over. */
  get stages(): readonly Stage[] | undefined {
    return this.#stages;
  }

  async record<T>(stage: StageName, about: About, work: () => Promise<T> | T): Promise<T> {
    if (!this.#stages) return await work();
    const from = this.#clock.now();
    try {
      return await work();
    } finally {
      this.#add(stage, from, this.#clock.now(), about);
    }
  }

  /** What began will not be told: a restored environment did not begin here. */
  drop(): void {
    this.#stages = undefined;
  }

  /** The function's module is loaded. */
  imported(): void {
    const boot = this.#stages?.find(({ stage }) => stage === 'boot');
    if (boot && !this.#stages?.some(({ stage }) => stage === 'import')) {
      this.#add('import', boot.to, this.#clock.now());
    }
  }

  /** Bytes that arrive and are verified meanwhile: `within` is given what measures each piece of verifying. */
  async recordFetch<T>(about: About, within: (verifying: <V>(work: () => V) => V) => Promise<T>): Promise<T> {
    const again = this.#stages?.some(({ stage, model }) => stage === 'fetch' && model === about.model);
    const from = (again ? undefined : this.#askedAt()) ?? this.#clock.now();
    let ms = 0;
    const verifying = <V>(work: () => V): V => {
      const begun = this.#clock.now();
      try {
        return work();
      } finally {
        ms += this.#clock.now() - begun;
      }
    };
    try {
      return await within(verifying);
    } finally {
      this.#add('fetch', from, this.#clock.now(), about);
      this.#add('verify', from, this.#clock.now(), about.model === undefined ? {} : { model: about.model }, ms);
    }
  }

  /**
   * Writes the line, once.
   *
   * @param now milliseconds since 1970
   */
  finish(log: Log, functionName: string, now: number): void {
    const stages = this.#stages;
    if (!stages) return;
    this.#stages = undefined;
    stages.sort((a, b) => a.from - b.from);
    const ms = Math.max(...stages.map(({ to }) => to));
    const metrics = metricsOf(stages, ms);
    const set = metricSet({
      namespace: 'glowplug',
      dimensions: { FunctionName: functionName },
      metrics,
      timestamp: now,
    });
    log.info(coldStartMessage, { ms, stages, ...set });
    const fetched = Math.max(0, ...stages.flatMap(({ stage, to }) => (stage === 'fetch' ? to : [])));
    if (fetched > initLimitMs) {
      log.warn('the models came after the 10 s that Lambda gives an init: it went on in the first invocation', {
        ms: fetched,
      });
    }
  }

  #add(stage: StageName, from: number, to: number, about: About = {}, ms?: number): void {
    this.#stages?.push({
      stage,
      from: tenth(from),
      to: tenth(to),
      ...about,
      ...(ms === undefined ? {} : { ms: tenth(ms) }),
    });
  }
}

/** Of a stage that several models go through at once, the time from the first's begin to the last's end. */
function metricsOf(stages: readonly Stage[], ms: number): MetricSet['metrics'] {
  const metrics: Record<string, MetricSet['metrics'][string]> = { ColdStart: { value: ms, unit: 'Milliseconds' } };
  for (const stage of new Set(stages.map((each) => each.stage))) {
    metrics[metricNames[stage]] = { value: spent(stages, stage), unit: 'Milliseconds' };
  }
  const bytes = stages.reduce((sum, stage) => sum + (stage.bytes ?? 0), 0);
  if (bytes > 0) metrics['FetchedBytes'] = { value: bytes, unit: 'Bytes' };
  return metrics;
}

/** Milliseconds of the stage in all: together where models go through it side by side. */
export function spent(stages: readonly Stage[], name: StageName): number {
  const own = stages.filter(({ stage }) => stage === name);
  if (own.length === 0) return 0;
  if (own.some(({ ms }) => ms !== undefined)) return tenth(own.reduce((sum, { ms }) => sum + (ms ?? 0), 0));
  return tenth(Math.max(...own.map(({ to }) => to)) - Math.min(...own.map(({ from }) => from)));
}

function tenth(ms: number): number {
  return Math.round(ms * 10) / 10;
}
