// What a runtime's signal means for the caller: the function's own answer, or the platform's in its place.
import type { Outcome, StreamedOutcome } from '../invocation.ts';
import { errorTypeOf, exitMessage, platformError, timeoutMessage } from './platform-lines.ts';
import { type StreamEnd, streamLimit } from './response-stream.ts';
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

const tooLarge = (limit: number) =>
  platformError(
    'Function.ResponseSizeTooLarge',
    `Response payload size exceeded maximum allowed payload size (${limit} bytes).`,
  );

/** undefined when the runtime did not answer. */
export function toAnswer(signal: RuntimeSignal): Answer | undefined {
  if (signal.kind === 'response' || signal.kind === 'error') return { kind: signal.kind, payload: signal.payload };
  if (signal.kind !== 'too-large') return undefined;
  return { kind: 'error', payload: tooLarge(responseLimit) };
}

/** The payload of a stream that went well is with the caller already. */
export function toStreamAnswer(end: StreamEnd): Answer {
  switch (end.kind) {
    case 'whole':
      return { kind: 'response', payload: new Uint8Array() };
    case 'error':
      return { kind: 'error', payload: end.payload };
    case 'too-large':
      return { kind: 'error', payload: tooLarge(streamLimit) };
    case 'cut':
      return { kind: 'error', payload: platformError('Runtime.TruncatedResponse', 'Response stream was cut off') };
  }
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
  return { kind: 'error', requestId, payload: errorPayload(result, requestId), functionError: 'Unhandled', logTail };
}

export function toStreamedOutcome(end: Answer | Failure, requestId: string, logTail: string): StreamedOutcome {
  return { error: end.kind === 'response' ? undefined : errorPayload(end, requestId), logTail };
}

function errorPayload(result: Answer | Failure, requestId: string): Uint8Array {
  if (!('reported' in result)) return result.payload;
  return result.payload ?? platformError(result.errorType, `RequestId: ${requestId} Error: ${result.message}`);
}

export function failureLine(requestId: string, failure: Failure): string {
  return failure.kind === 'timeout'
    ? `${new Date().toISOString()} ${requestId} ${failure.message}\n\n`
    : `RequestId: ${requestId} Error: ${failure.message}\n${failure.errorType}\n`;
}
