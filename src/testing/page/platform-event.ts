// What Lambda itself writes into a function's log, read back: as text, or as JSON where the function chose that.
import { isRecord } from '../../core/is-record.ts';
import type { PageInvocation } from './page-data.ts';

export type PlatformEvent =
  | { readonly kind: 'start' | 'end'; readonly id: string }
  | { readonly kind: 'report'; readonly id: string; readonly report: Partial<PageInvocation> };

/** Undefined for a line of the function's own. @param entry the line as JSON, where it is an object */
export function platformEvent(
  line: string,
  entry: Readonly<Record<string, unknown>> | undefined,
): PlatformEvent | undefined {
  const [, word, id = ''] = /^(START|END|REPORT) RequestId: ([\w-]+)/.exec(line) ?? [];
  if (word === 'REPORT') return { kind: 'report', id, report: fromText(line) };
  if (word !== undefined) return { kind: word === 'START' ? 'start' : 'end', id };
  const record = entry?.['record'];
  if (!isRecord(record) || typeof record['requestId'] !== 'string') return undefined;
  if (entry?.['type'] === 'platform.start') return { kind: 'start', id: record['requestId'] };
  if (entry?.['type'] !== 'platform.report') return undefined;
  return { kind: 'report', id: record['requestId'], report: fromJson(record) };
}

function fromText(line: string): Partial<PageInvocation> {
  const fields = new Map(
    line.split('\t').map((field) => [field.split(': ', 1)[0], field.slice(field.indexOf(': ') + 2)]),
  );
  const number = (name: string) => (fields.has(name) ? Number.parseFloat(fields.get(name) ?? '') : undefined);
  const status = fields.get('Status');
  return {
    durationMs: number('Duration'),
    initMs: number('Init Duration'),
    memoryMb: number('Memory Size'),
    maxMemoryMb: number('Max Memory Used'),
    failure: status === 'error' ? (fields.get('Error Type') ?? status) : status,
  };
}

function fromJson({ metrics, status, errorType }: Readonly<Record<string, unknown>>): Partial<PageInvocation> {
  const number = (name: string) => {
    const value = isRecord(metrics) ? metrics[name] : undefined;
    return typeof value === 'number' ? value : undefined;
  };
  return {
    durationMs: number('durationMs'),
    initMs: number('initDurationMs'),
    memoryMb: number('memorySizeMB'),
    maxMemoryMb: number('maxMemoryUsedMB'),
    failure: status === 'success' ? undefined : String(errorType ?? status),
  };
}
