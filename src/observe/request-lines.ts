// A request that is over, as lines of the log that are metrics too: one, and one more for each further model that it ran.
import { type Came, invocationFields } from '../core/came.ts';
import type { Fields } from '../core/log.ts';
import { type MetricSet, metricSet } from '../core/metric-set.ts';
import { type ModelRun, type RequestRecord, requestMessage } from '../core/request-record.ts';
import { traceparent } from '../core/trace-context.ts';

export interface AboutRequest {
  readonly functionName: string;
  /** Its environment's first. */
  readonly cold: boolean;
  /** US dollars, about; undefined where requests are not what is paid for. */
  readonly dollars: number | undefined;
  readonly came?: Came;
}

export interface Line {
  readonly message: string;
  readonly fields: Fields;
}

/** The line's `message` of a further model. */
const furtherModelMessage = 'request, further model';

/** Names and units are the reference of docs/decisions/observability.md; a test keeps them within CloudWatch's rules. */
export function requestLines(record: RequestRecord, about: AboutRequest): Line[] {
  const { requestId, trace, startedAt, runs, ...told } = record;
  const ids = { requestId, ...invocationFields(about.came ?? {}) };
  const models = [...Map.groupBy(runs, ({ model, version }) => `${model} ${version}`).values()];
  const sets = (own: readonly ModelRun[] | undefined) => (own ? modelSets(own, about.functionName, startedAt) : []);
  const [first, ...further] = models;
  return [
    {
      message: requestMessage,
      fields: {
        ...ids,
        traceparent: traceparent(trace),
        ...(trace.parentId === undefined ? {} : { parentId: trace.parentId }),
        startedAt,
        cold_start: about.cold,
        ...told,
        runs,
        ...metricSet(requestSet(record, about), ...codeSets(record, about), ...sets(first)),
      },
    },
    ...further.map((own) => {
      const [version, times] = modelSets(own, about.functionName, startedAt);
      return { message: furtherModelMessage, fields: { ...ids, ...metricSet(version, times) } };
    }),
  ];
}

const namespace = 'glowplug';

/** What is 0 is left out: every line is paid for, and no data is no refusal. How many requests there were, Latency counts. */
function requestSet({ startedAt, status, ms }: RequestRecord, about: AboutRequest): MetricSet {
  const flag = (name: string, holds: boolean) => (holds ? { [name]: count(1) } : {});
  return {
    namespace,
    dimensions: { FunctionName: about.functionName },
    metrics: {
      Latency: { value: ms, unit: 'Milliseconds' },
      ...flag('ColdRequests', about.cold),
      ...flag('Refused', status >= 400 && status < 500),
      ...flag('Failed', status >= 500),
      // Millionths: of dollars CloudWatch would keep too few digits to read.
      ...(about.dollars === undefined
        ? {}
        : { CostMicrodollars: { value: thousandth(about.dollars * 1e6), unit: 'None' } }),
    },
    timestamp: startedAt,
  };
}

/** Codes are the catalogue's: a few dozen, of which a function has its handful. */
function codeSets({ code, startedAt: timestamp }: RequestRecord, { functionName }: AboutRequest): MetricSet[] {
  if (code === undefined) return [];
  return [
    { namespace, dimensions: { FunctionName: functionName, Code: code }, metrics: { Errors: count(1) }, timestamp },
  ];
}

/** Versions come and go by publishing: which ones are served is counted, and how long they take is the model's. */
function modelSets(runs: readonly ModelRun[], FunctionName: string, timestamp: number): [MetricSet, MetricSet] {
  const [{ model: Model, version: Version } = { model: '', version: '' }] = runs;
  const each = (value: (run: ModelRun) => number, unit: 'Milliseconds' | 'Count') => ({ value: runs.map(value), unit });
  return [
    { namespace, dimensions: { FunctionName, Model, Version }, metrics: { Runs: count(runs.length) }, timestamp },
    {
      namespace,
      dimensions: { FunctionName, Model },
      metrics: {
        Queue: each(({ queueMs }) => thousandth(queueMs), 'Milliseconds'),
        Run: each(({ from, to, queueMs }) => thousandth(Math.max(0, to - from - queueMs)), 'Milliseconds'),
        BatchRows: each(({ rows }) => rows, 'Count'),
      },
      timestamp,
    },
  ];
}

function count(value: number): MetricSet['metrics'][string] {
  return { value, unit: 'Count' };
}

function thousandth(value: number): number {
  return Math.round(value * 1000) / 1000;
}
