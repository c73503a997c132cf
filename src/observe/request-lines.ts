// A request that is over, as lines of the log that are metrics too: one, and one more for each further model that it ran.
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
}

export interface Line {
  readonly message: string;
  readonly fields: Fields;
}

/** The line's `message` of a further model. */
export const furtherModelMessage = 'request, further model';

/** Names and units are the reference of docs/decisions/observability.md; a test keeps them within CloudWatch's rules. */
export function requestLines(record: RequestRecord, about: AboutRequest): Line[] {
  const { requestId, trace, startedAt, runs, ...told } = record;
  const models = [...Map.groupBy(runs, ({ model, version }) => `${model} ${version}`).values()];
  const sets = (own: readonly ModelRun[] | undefined) => (own ? modelSets(own, about.functionName, startedAt) : []);
  const [first, ...further] = models;
  return [
    {
      message: requestMessage,
      fields: {
        requestId,
        traceparent: traceparent(trace),
        ...(trace.parentId === undefined ? {} : { parentId: trace.parentId }),
        startedAt,
        cold: about.cold,
        ...told,
        runs,
        ...metricSet(requestSet(record, about), ...codeSets(record, about), ...sets(first)),
      },
    },
    ...further.map((own) => {
      const [version, times] = modelSets(own, about.functionName, startedAt);
      return { message: furtherModelMessage, fields: { requestId, ...metricSet(version, times) } };
    }),
  ];
}

const namespace = 'glowplug';

function requestSet({ startedAt, status, ms, stages }: RequestRecord, about: AboutRequest): MetricSet {
  const verbs = Object.groupBy(stages, ({ stage }) => stage);
  const took = (stage: string) => verbs[stage]?.reduce((sum, { from, to }) => sum + to - from, 0);
  const times = { Decode: took('decode'), Predict: took('predict'), Encode: took('encode') };
  return {
    namespace,
    dimensions: { FunctionName: about.functionName },
    metrics: {
      Requests: count(1),
      Latency: milliseconds(ms),
      ...Object.fromEntries(
        Object.entries(times).flatMap(([name, value]) => (value === undefined ? [] : [[name, milliseconds(value)]])),
      ),
      ColdRequests: count(about.cold ? 1 : 0),
      Refused: count(status >= 400 && status < 500 ? 1 : 0),
      Failed: count(status >= 500 ? 1 : 0),
      // Millionths: of dollars CloudWatch would keep too few digits to read.
      ...(about.dollars === undefined
        ? {}
        : { CostMicrodollars: { value: about.dollars * 1e6, unit: 'None' as const } }),
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
        Queue: each(({ queueMs }) => queueMs, 'Milliseconds'),
        Run: each(({ from, to, queueMs }) => Math.max(0, to - from - queueMs), 'Milliseconds'),
        BatchRows: each(({ rows }) => rows, 'Count'),
        BatchRequests: each(({ requests }) => requests, 'Count'),
      },
      timestamp,
    },
  ];
}

function count(value: number): MetricSet['metrics'][string] {
  return { value, unit: 'Count' };
}

function milliseconds(ms: number): MetricSet['metrics'][string] {
  return { value: Math.round(ms * 1000) / 1000, unit: 'Milliseconds' };
}
