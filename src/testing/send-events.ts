// The answer of InvokeWithResponseStream: an event stream of what the function writes, and how it ended.
// Source: AWS Lambda API Reference, "InvokeWithResponseStream".
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { eventFrame } from './event-stream.ts';
import type { Outcome, StreamOutcome } from './invocation.ts';
import { errorTypeOf } from './runtime/platform-lines.ts';

type Answered = StreamOutcome | Extract<Outcome, { kind: 'response' | 'error' }>;

/** Chunks as they come, each a PayloadChunk, and at the end InvokeComplete with the error that there was. */
export async function sendEvents(
  response: ServerResponse,
  outcome: Answered,
  version: string,
  wantsTail: boolean,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amz-executed-version': version,
    'x-amzn-requestid': outcome.requestId,
  });
  const send = async (chunk: Uint8Array) => {
    if (!response.write(eventFrame('PayloadChunk', 'application/octet-stream', chunk))) await drained(response);
  };
  let [error, logTail] = ['', ''];
  if (outcome.kind === 'stream') {
    try {
      for await (const chunk of outcome.chunks) await send(chunk);
    } catch {
      // Broken off, or the client has gone: `ended` says what became of the function.
    } finally {
      outcome.drain();
    }
    const ended = await outcome.ended;
    [error, logTail] = [ended.error ? Buffer.from(ended.error).toString() : '', ended.logTail];
  } else {
    await send(outcome.payload);
    [error, logTail] = [outcome.kind === 'error' ? Buffer.from(outcome.payload).toString() : '', outcome.logTail];
  }
  const complete = {
    ...(error === '' ? {} : { ErrorCode: errorTypeOf(Buffer.from(error)) ?? 'Unhandled', ErrorDetails: error }),
    ...(wantsTail ? { LogResult: Buffer.from(logTail).toString('base64') } : {}),
  };
  response.end(eventFrame('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(complete))));
}

async function drained(response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once('close', leave);
  try {
    await once(response, 'drain', { signal: gone.signal });
  } finally {
    response.off('close', leave);
  }
}
