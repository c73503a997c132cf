// What Lambda itself writes into a function's log, in the format that the function has chosen.
// Source: AWS Lambda Developer Guide, "Configuring advanced logging controls for Lambda functions"; Telemetry API's schema.
import type { FunctionSpec } from './function-spec.ts';
import { type Failure, failureLine } from './outcome.ts';
import {
  billedMs,
  endLine,
  initReportLine,
  type Report,
  type ReportedFailure,
  reportLine,
  startLine,
} from './platform-lines.ts';

export interface PlatformLog {
  start(requestId: string): string;
  /** What stands between the function's last line and the report: why it failed, and that it ended. */
  end(requestId: string, failure: Failure | undefined): string;
  report(report: Report): string;
  initReport(initMs: number, phase: 'init' | 'invoke', failure: ReportedFailure): string;
}

export function platformLog({ log, version = '$LATEST' }: Pick<FunctionSpec, 'log' | 'version'>): PlatformLog {
  return log.format === 'Text' ? textLog(version) : jsonLog(version, levels.indexOf(log.systemLevel ?? 'INFO'));
}

const textLog = (version: string): PlatformLog => ({
  start: (requestId) => startLine(requestId, version),
  end: (requestId, failure) =>
    (failure && !failure.payload ? failureLine(requestId, failure) : '') + endLine(requestId),
  report: reportLine,
  initReport: initReportLine,
});

const levels = ['DEBUG', 'INFO', 'WARN'];
const [info, warn] = [levels.indexOf('INFO'), levels.indexOf('WARN')];

function jsonLog(version: string, least: number): PlatformLog {
  const event = (level: number, type: string, record: object) =>
    level < least ? '' : `${JSON.stringify({ time: new Date().toISOString(), type: `platform.${type}`, record })}\n`;
  return {
    start: (requestId) => event(info, 'start', { requestId, version }),
    end: () => '',
    report: (report) =>
      event(report.failure ? warn : info, 'report', {
        requestId: report.requestId,
        metrics: {
          durationMs: round(report.durationMs),
          billedDurationMs: billedMs(report),
          memorySizeMB: report.memoryMb,
          maxMemoryUsedMB: Math.round(report.maxMemoryUsedMb),
          ...(report.initMs === undefined ? {} : { initDurationMs: round(report.initMs) }),
        },
        ...status(report.failure),
      }),
    initReport: (initMs, phase, failure) =>
      event(warn, 'initReport', { phase, metrics: { durationMs: round(initMs) }, ...status(failure) }),
  };
}

function status(failure: ReportedFailure | undefined): object {
  if (!failure) return { status: 'success' };
  return failure.kind === 'timeout' ? { status: 'timeout' } : { status: 'error', errorType: failure.reported };
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
