// What a runtime's signal means for the caller: the function's own answer, or the platform's in its place.
import type { Outcome } from '../invocation.ts';
import { errorTypeOf, exitMessage, platformError, timeoutMessage } from './platform-lines.ts';
import { responseLimit } from './runtime-api.ts';
import type { RuntimeSignal } from './runtime-process.ts';

/** The runtime could not answer; the platform does, unless the runtime's init posted what to say. */
export type Failure = {
  readonly kind: 'failed' | 'timeout';
  readonly errorType: string;
  readonly message: string;
  readonly reported: string;
  readonly payload?: Uint8Array;
};
export type Answer = { readonly kind: 'response' | 'error'; readonly payload: Uint8Array };

const tooLargeMessage = `Response payload size exceeded maximum allowed payload size (${responseLimit} bytes).`;

/** undefined when the runtime did not answer. */
export function toAnswer(signal: RuntimeSignal): Answer | undefined {
  if (signal.kind === 'response' || signal.kind === 'error') return { kind: signal.kind, payload: signal.payload };
  if (signal.kind !== 'too-large') return undefined;
  return { kind: 'error', payload: platformError('Function.ResponseSizeTooLarge', tooLargeMessage) };
}

export function toFailure(signal: RuntimeSignal, timeoutMs: number): Failure {
  const kind = 'failed';
  switch (signal.kind) {
    case 'timeout':
      return {
        kind: signal.kind,
        errorType: 'Sandbox.Timedout',
        message: timeoutMessage(timeoutMs),
        reported: 'Sandbox.Timedout',
      };
    case 'init-error': {
      const errorType = errorTypeOf(signal.payload) ?? 'Runtime.Unknown';
      return { kind, errorType, message: '', reported: errorType, payload: signal.payload };
    }
    case 'exit': {
      const errorType = 'Runtime.ExitError';
      return { kind, errorType, message: exitMessage(signal.code, signal.signal), reported: errorType };
    }
    case 'out-of-memory':
      return {
        kind,
        errorType: 'Runtime.ExitError',
        message: exitMessage(null, 'SIGKILL'),
        reported: 'Runtime.OutOfMemory',
      };
    default:
      return {
        kind,
        errorType: 'Runtime.Unknown',
        message: `Runtime sent an unexpected ${signal.kind}`,
        reported: 'Runtime.Unknown',
      };
  }
}

export function toOutcome(result: Answer | Failure, requestId: string, logTail: string): Outcome {
  if (result.kind === 'response') return { kind: 'response', requestId, payload: result.payload, logTail };
  const payload =
    'reported' in result
      ? (result.payload ?? platformError(result.errorType, `RequestId: ${requestId} Error: ${result.message}`))
      : result.payload;
  return { kind: 'error', requestId, payload, functionError: 'Unhandled', logTail };
}

export function failureLine(requestId: string, failure: Failure): string {
  return failure.kind === 'timeout'
    ? `${new Date().toISOString()} ${requestId} ${failure.message}\n\n`
    : `RequestId: ${requestId} Error: ${failure.message}\n${failure.errorType}\n`;
}
