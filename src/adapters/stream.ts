// Streamed answers on Lambda: the handler is given a stream to write to, whatever the event. A function URL's answer is
// a prelude (status, headers, cookies), 8 NUL bytes, and the body as it comes; what answers any other event is JSON.
// Source: AWS Lambda Developer Guide, "Building a custom runtime for AWS Lambda", implementing response streaming.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { MiddyfiedHandler } from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import { isRecord } from '../core/is-record.ts';
import { isFunctionUrlEvent, resultHead, toRequest } from './function-url.ts';
import { answerEvent, type Fetch, type Host, openInvocation, serveHttp } from './lambda.ts';

type Handler = MiddyfiedHandler<unknown, unknown>;

/** Answers one event; the body of a function URL's answer is still to come. */
export async function streamEvent(
  fetch: Fetch,
  event: unknown,
  lambda: LambdaContext,
  host: Host = {},
): Promise<unknown> {
  if (!isFunctionUrlEvent(event)) return await answerEvent(fetch, event, lambda, host);
  const { context, end } = openInvocation(lambda, host, 'http');
  const response = await serveHttp(fetch, toRequest(event), event, context, host);
  return { ...resultHead(response), body: until(response.body, end) };
}

/**
 * The same handler, invoked as Lambda invokes one that streams: `(event, stream, context)`. Its middlewares go on as
 * before: what they see as the response's body is an async iterable of bytes.
 */
export function streamed(inner: Handler): Handler {
  const handler = new Proxy(inner, {
    async apply(_target, _this, [event, sink, context]: [unknown, Sink, LambdaContext]) {
      await send(await inner(event, context), isFunctionUrlEvent(event), sink);
    },
    /** middy's `use` and its kin answer with the handler that they belong to. */
    get(target, name, outer) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || !chained.has(name)) return value;
      return (...given: unknown[]) => {
        Reflect.apply(value, target, given);
        return outer;
      };
    },
  });
  // It marks the handler for the runtime, and answers with it.
  Reflect.apply(awslambda.streamifyResponse, undefined, [handler]);
  return handler;
}

type Sink = Writable & { setContentType(type: string): void };

const chained = new Set<string | symbol>(['use', 'before', 'after', 'onError', 'handler']);
const preludeType = 'application/vnd.awslambda.http-integration-response';
const delimiter = '\0'.repeat(8);

async function send(result: unknown, isUrl: boolean, sink: Sink): Promise<void> {
  if (isUrl) {
    const { body, isBase64Encoded, ...head } = isHttpResult(result) ? result : asJson(result);
    sink.setContentType(preludeType);
    await put(sink, `${JSON.stringify(head)}${delimiter}`);
    if (typeof body === 'string') await put(sink, Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
    else for await (const chunk of body ?? []) await put(sink, chunk);
  } else {
    sink.setContentType('application/json');
    await put(sink, JSON.stringify(result) ?? 'null');
  }
  const finished = once(sink, 'finish');
  sink.end();
  await finished;
}

/** As fast as the platform takes it. */
async function put(sink: Sink, chunk: string | Uint8Array): Promise<void> {
  // An empty chunk would end a chunked body.
  if (chunk.length > 0 && !sink.write(chunk)) await once(sink, 'drain');
}

interface HttpResult {
  readonly statusCode: number;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly isBase64Encoded?: boolean;
}

function isHttpResult(result: unknown): result is HttpResult {
  return isRecord(result) && typeof result['statusCode'] === 'number';
}

function asJson(value: unknown): HttpResult & { headers: Record<string, string> } {
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) ?? 'null' };
}

async function* until(body: ReadableStream<Uint8Array> | null, end: () => Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    if (body) yield* body;
  } finally {
    await end();
  }
}
