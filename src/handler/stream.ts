// Encoders of answers that come in parts: a predict that yields becomes an event stream, JSON lines or raw chunks.
import { GlowplugError } from '../core/errors.ts';
import type { Context } from './context.ts';
import { errorBody } from './pipeline.ts';

/** What a predict gives that yields: `async *predict(…) { … }`. */
export type Parts<T> = AsyncIterable<T> | Iterable<T>;

interface Format {
  readonly contentType: string;
  part(value: unknown): Uint8Array;
  /** How an error stands among the parts; without it the answer breaks off. */
  error?(body: object): Uint8Array;
}

const text = new TextEncoder();
const line = (value: unknown) => text.encode(`${toJson(value)}\n`);

const formats = {
  events: {
    contentType: 'text/event-stream',
    part: (value) => text.encode(`data: ${toJson(value)}\n\n`),
    error: (body) => text.encode(`event: error\ndata: ${JSON.stringify(body)}\n\n`),
  },
  lines: { contentType: 'application/x-ndjson', part: line, error: line },
  bytes: { contentType: 'application/octet-stream', part: toBytes },
} as const satisfies Record<string, Format>;

/**
 * An `encode` for a predict that yields: each value is sent as soon as it is there, and the next is asked for when the
 * client has taken it. Where the function's URL streams (`streaming: true` of the construct) and on `glowplug serve`
 * the client reads along; anywhere else it gets all of it at the end.
 *
 * - `events`: server-sent events, each value the JSON of one `data:` line; an error is an `event: error`.
 * - `lines`: JSON lines; an error is a last line `{ error, code, remedy, requestId }`.
 * - `bytes`: each value's own bytes (Uint8Array or string); an error breaks the answer off.
 *
 * What fails before the first value is an answer with the error's status. When the client goes or the deadline comes,
 * the generator is returned: its `finally` runs.
 *
 * @example
 * export const handler = inference({
 *   models: { vad: 'silero-vad:prod' },
 *   input: json(z.object({ frames: z.array(z.array(z.number())) })),
 *   async *predict({ frames }, { vad }) {
 *     for (const frame of frames) yield await vad.run({ input: tensor('FP32', [1, frame.length], Float32Array.from(frame)) });
 *   },
 *   encode: stream('events'),
 * });
 */
export function stream(
  format: 'events' | 'lines',
  options?: StreamOptions,
): (output: Parts<unknown>, context: Context) => Promise<Response>;
export function stream(
  format: 'bytes',
  options?: StreamOptions,
): (output: Parts<Uint8Array | string>, context: Context) => Promise<Response>;
export function stream(
  format: StreamFormat,
  options: StreamOptions = {},
): (output: Parts<never>, context: Context) => Promise<Response> {
  const known: Format = formats[format];
  const headers = { 'content-type': options.contentType ?? known.contentType, 'cache-control': 'no-cache' };
  const encode = async (output: Parts<never>, context: Context) => {
    const iterator = asIterator(output);
    // Before the status is gone: what is refused here is refused as in any other answer.
    const first = await nextWithin(iterator, context);
    return new Response(bodyOf(first, iterator, known, context), { headers });
  };
  formatOf.set(encode, format);
  return encode;
}

export type StreamFormat = keyof typeof formats;

/** Which format an `encode` sends; undefined for one that stream() did not make. */
export function streamFormat(encode: object): StreamFormat | undefined {
  return formatOf.get(encode);
}

const formatOf = new WeakMap<object, StreamFormat>();

export interface StreamOptions {
  /** @default text/event-stream, application/x-ndjson, application/octet-stream */
  readonly contentType?: string;
}

function bodyOf(
  first: IteratorResult<unknown>,
  iterator: AsyncIterator<unknown>,
  format: Format,
  context: Context,
): ReadableStream<Uint8Array> {
  let next: IteratorResult<unknown> | undefined = first;
  const { trace } = context;
  trace.hold();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const result = next ?? (await nextWithin(iterator, context));
          next = undefined;
          if (result.done) {
            await trace.release();
            controller.close();
          } else controller.enqueue(format.part(result.value));
        } catch (error) {
          leave(iterator);
          const body = errorBody(error, context);
          await trace.release();
          if (!format.error) return controller.error(error);
          controller.enqueue(format.error(body));
          controller.close();
        }
      },
      // The client has gone.
      async cancel() {
        leave(iterator);
        trace.failed('CLIENT_GONE');
        await trace.release();
      },
    },
    // Not before it is asked for.
    { highWaterMark: 0 },
  );
}

/** The next value, unless the client goes or the deadline comes first. */
async function nextWithin(
  iterator: AsyncIterator<unknown>,
  { signal, trace }: Context,
): Promise<IteratorResult<unknown>> {
  const following = () => trace.within(() => iterator.next());
  if (!signal) return await following();
  const { promise: never, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new GlowplugError('DEADLINE', 'the answer was not whole within the deadline'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([never, following()]);
  } catch (error) {
    leave(iterator);
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Asks the generator to end; one that waits for something ends when that has come, and nobody waits for it. */
function leave(iterator: AsyncIterator<unknown>): void {
  iterator.return?.().catch(() => {});
}

function asIterator(output: Parts<unknown>): AsyncIterator<unknown> {
  if (typeof output === 'object' && output !== null && (Symbol.asyncIterator in output || Symbol.iterator in output)) {
    return (async function* () {
      yield* output;
    })();
  }
  throw new GlowplugError('CONFIG_INVALID', `expected predict to yield what stream() sends, got ${typeof output}`, {
    remedy: 'Write it as async *predict(…) { yield … }, or return an iterable.',
  });
}

function toJson(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return text.encode(value);
  throw new GlowplugError('CONFIG_INVALID', `expected predict to yield bytes or text, got ${typeof value}`);
}
