// The lines that Lambda itself writes into a function's log, and the errors it answers with when the runtime cannot.

export interface Report {
  readonly requestId: string;
  readonly durationMs: number;
  readonly memoryMb: number;
  readonly maxMemoryUsedMb: number;
  /** Of the init before this invocation, when it was this environment's first. Billed since August 2025. */
  readonly initMs: number | undefined;
  readonly failure: ReportedFailure | undefined;
}

export interface ReportedFailure {
  readonly kind: 'failed' | 'timeout';
  /** The error's type, as REPORT lines name it. */
  readonly reported: string;
}

export const startLine = (requestId: string, version: string): string =>
  `START RequestId: ${requestId} Version: ${version}\n`;
export const endLine = (requestId: string): string => `END RequestId: ${requestId}\n`;

/** What is printed, rounded up: in hundredths, where sums are exact. */
export function billedMs({ durationMs, initMs = 0 }: Pick<Report, 'durationMs' | 'initMs'>): number {
  const hundredths = (ms: number) => Math.round(Number(ms.toFixed(2)) * 100);
  return Math.ceil((hundredths(durationMs) + hundredths(initMs)) / 100);
}

export function reportLine(report: Report): string {
  const { initMs } = report;
  return `${[
    `REPORT RequestId: ${report.requestId}`,
    `Duration: ${report.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${billedMs(report)} ms`,
    `Memory Size: ${report.memoryMb} MB`,
    `Max Memory Used: ${Math.round(report.maxMemoryUsedMb)} MB`,
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
    ...statusFields(report.failure),
  ].join('\t')}\t\n`;
}

export function initReportLine(initMs: number, phase: 'init' | 'invoke', failure: ReportedFailure): string {
  const fields = [`INIT_REPORT Init Duration: ${initMs.toFixed(2)} ms`, `Phase: ${phase}`, ...statusFields(failure)];
  return `${fields.join('\t')}\n`;
}

function statusFields(failure: ReportedFailure | undefined): string[] {
  if (!failure) return [];
  return failure.kind === 'timeout' ? ['Status: timeout'] : ['Status: error', `Error Type: ${failure.reported}`];
}

export function timeoutMessage(timeoutMs: number): string {
  return `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
}

/** How Lambda names the way a runtime ended. */
export function exitMessage(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `Runtime exited with error: signal: ${signalNames[signal] ?? signal}`;
  return code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}

const signalNames: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'killed',
  SIGTERM: 'terminated',
  SIGABRT: 'aborted',
  SIGSEGV: 'segmentation fault',
  SIGILL: 'illegal instruction',
  SIGBUS: 'bus error',
};

/** The payload a caller gets when the platform answers instead of the function. */
export function platformError(errorType: string, errorMessage: string): Buffer {
  return Buffer.from(JSON.stringify({ errorType, errorMessage }));
}

/** `errorType` of the JSON that a runtime posts; undefined where there is none. */
export function errorTypeOf(payload: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString());
    if (typeof value === 'object' && value !== null && 'errorType' in value && typeof value.errorType === 'string') {
      return value.errorType;
    }
  } catch {
    // Not JSON: the runtime says so in its own log.
  }
  return undefined;
}
