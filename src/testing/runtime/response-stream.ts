// A streamed response on its way from the runtime to a caller: chunks as they come, as fast as the caller takes them.
// Source: AWS Lambda Developer Guide, "Building a custom runtime for AWS Lambda", implementing response streaming.
import type { IncomingMessage } from 'node:http';

/** Bytes of a streamed response: 200 MB. */
export const streamLimit = 200 * 2 ** 20;

export type StreamEnd =
  | { readonly kind: 'whole' }
  /** The function failed on the way: the JSON of its error, from the trailers. */
  | { readonly kind: 'error'; readonly payload: Uint8Array }
  | { readonly kind: 'too-large' }
  /** The runtime has gone. */
  | { readonly kind: 'cut' };

export interface ResponseStream {
  readonly contentType: string;
  /** Back-pressure: nothing is read from the runtime that is not taken here. For one reader; ends early as `ended` says. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Settles when the runtime has sent all of it. */
  readonly ended: Promise<StreamEnd>;
  /** The caller has gone: the rest is read and dropped, because Lambda does not interrupt the function. */
  drain(): void;
}

/** Whether a runtime's POST is a streamed response. */
export function isStreamed(message: IncomingMessage): boolean {
  return message.headers['lambda-runtime-function-response-mode']?.toString().toLowerCase() === 'streaming';
}

export function readResponseStream(message: IncomingMessage, limit = streamLimit): ResponseStream {
  const { promise: ended, resolve } = Promise.withResolvers<StreamEnd>();
  message.once('end', () => resolve(endOf(message)));
  // After 'end' it changes nothing.
  message.once('close', () => resolve({ kind: 'cut' }));
  message.on('error', () => {}); // A cut connection: 'close' follows.
  const chunks = readWithin(message, limit, () => resolve({ kind: 'too-large' }));
  return {
    contentType: message.headers['content-type'] ?? 'application/octet-stream',
    ended,
    chunks,
    drain: () => void readAll(chunks),
  };
}

async function* readWithin(
  message: IncomingMessage,
  limit: number,
  onTooLarge: () => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > limit) return onTooLarge();
    yield chunk;
  }
}

async function readAll(chunks: AsyncGenerator<Uint8Array>): Promise<void> {
  try {
    for (let next = await chunks.next(); !next.done; ) next = await chunks.next();
  } catch {
    // The runtime has gone: `ended` says so.
  }
}

function endOf({ trailers }: IncomingMessage): StreamEnd {
  const body = trailers['lambda-runtime-function-error-body'];
  if (body !== undefined) return { kind: 'error', payload: Buffer.from(body, 'base64') };
  const errorType = trailers['lambda-runtime-function-error-type'];
  if (errorType === undefined) return { kind: 'whole' };
  return { kind: 'error', payload: Buffer.from(JSON.stringify({ errorType, errorMessage: '' })) };
}
