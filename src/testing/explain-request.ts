// Everything that a log tells of one request, brought together: its stages, its runs, its environment, what it wrote.
import { isRecord } from '../core/is-record.ts';
import { type RequestRecord, requestMessage } from '../core/request-record.ts';
import type { Stage } from '../handler/cold-start.ts';
import { coldStartMessage } from '../handler/cold-start.ts';
import { coldStartsIn } from './cold-starts-in.ts';
import type { LoggedLine } from './log-files.ts';
import { platformEvent } from './page/platform-event.ts';

export interface Explanation {
  readonly requestId: string;
  readonly function: string;
  /** As the function told it; undefined where it never came to an end. */
  readonly request: LoggedRequest | undefined;
  /** Of the environment, when this was its first. */
  readonly coldStart: readonly Stage[] | undefined;
  /** As Lambda's REPORT has it; undefined for a message of a queue, of which one invocation takes many. */
  readonly invocation: Invocation | undefined;
  /** What else was written under its id. */
  readonly log: readonly string[];
}

export type LoggedRequest = Omit<RequestRecord, 'trace'> & {
  readonly traceparent: string;
  readonly parentId?: string;
  readonly cold_start: boolean;
  readonly CostMicrodollars?: number;
};

export interface Invocation {
  readonly durationMs?: number | undefined;
  readonly initMs?: number | undefined;
  readonly memoryMb?: number | undefined;
  readonly maxMemoryMb?: number | undefined;
  /** undefined when all was well, else `timeout` or the error's type. */
  readonly failure?: string | undefined;
}

export interface RequestBar {
  readonly stage: string;
  readonly model?: string;
  readonly from: number;
  readonly to: number;
}

/** undefined where no line names it. */
export function explainRequest(requestId: string, lines: Iterable<LoggedLine>): Explanation | undefined {
  const own = [...lines].filter(({ line }) => line.includes(requestId));
  const [first] = own;
  if (!first) return undefined;
  const read = own.map(({ line }) => ({ line, entry: entryIn(line) }));
  const events = read.flatMap(({ line, entry }) => platformEvent(line, entry) ?? []);
  const report = events.find((event) => event.kind === 'report');
  const told = read.flatMap(({ entry }) => (isRequest(entry, requestId) ? [entry] : []));
  const colds = read.flatMap(({ line, entry }) => (entry?.['message'] === coldStartMessage ? coldStartsIn(line) : []));
  return {
    requestId,
    function: first.function,
    request: told[0],
    coldStart: colds[0],
    invocation: report?.kind === 'report' ? report.report : undefined,
    log: read.filter(({ line, entry }) => !platformEvent(line, entry) && !isTelling(entry)).map(({ line }) => line),
  };
}

/** The verbs, and under predict each run with what it waited before it. */
export function barsOf({ stages, runs }: Pick<LoggedRequest, 'stages' | 'runs'>): RequestBar[] {
  return [
    ...stages,
    ...runs.flatMap(({ model, from, to, queueMs }) => [
      ...(queueMs >= 0.1 ? [{ stage: 'queue', model, from, to: from + queueMs }] : []),
      { stage: 'run', model, from: from + queueMs, to },
    ]),
  ];
}

/** The request that this line tells of. */
export function requestIn(line: string, requestId: string): LoggedRequest | undefined {
  if (!line.includes(requestMessage)) return undefined;
  const entry = entryIn(line);
  return isRequest(entry, requestId) ? entry : undefined;
}

/** The line as JSON, where it is; with log format JSON, Lambda may wrap what the function wrote. */
function entryIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const entry: unknown = JSON.parse(line.slice(line.indexOf('{')));
    if (!isRecord(entry)) return undefined;
    return isRecord(entry['message']) ? entry['message'] : entry;
  } catch {
    return undefined;
  }
}

function isRequest(entry: unknown, requestId: string): entry is LoggedRequest {
  return (
    isRecord(entry) &&
    entry['message'] === requestMessage &&
    entry['requestId'] === requestId &&
    Array.isArray(entry['stages']) &&
    Array.isArray(entry['runs'])
  );
}

/** A line that is there for its metrics. */
function isTelling(entry: Readonly<Record<string, unknown>> | undefined): boolean {
  return isRecord(entry?.['_aws']);
}
