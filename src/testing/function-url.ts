// A function URL's front door: HTTP in, an event to the function, its result back as HTTP.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { preflightHeaders, withCors } from './function-url-cors.ts';
import { functionUrlEvent, traceIdOf, type UrlIdentity } from './function-url-event.ts';
import { functionUrlResponse, type UrlHead } from './function-url-result.ts';
import { sendStream } from './function-url-stream.ts';
import type { Invocation, Outcome, StreamOutcome } from './invocation.ts';
import { readLimited } from './read-limited.ts';
import type { UrlCors } from './runtime/function-spec.ts';
import { setHeaders } from './set-headers.ts';
import { type Gate, signedBy } from './signed-by.ts';
import { SigV4Error } from './sigv4.ts';

export interface FunctionUrlOptions extends UrlIdentity, Gate {
  /** Of a URL of invoke mode RESPONSE_STREAM it answers with a stream where the function does. */
  invoke(invocation: Invocation): Promise<Outcome | StreamOutcome>;
  readonly auth: 'AWS_IAM' | 'NONE';
  readonly cors?: UrlCors | undefined;
}

/**
 * Whatever goes wrong is an answer.
 *
 * @example
 * createServer(functionUrlListener({ invoke, auth: 'AWS_IAM', secretFor, urlId, region, account, now }));
 */
export function functionUrlListener(options: FunctionUrlOptions): RequestListener {
  return (message, response) => {
    answer(options, message, response).catch(() => {
      // The client went away, or the function could not be reached.
      if (response.headersSent || response.destroyed) response.destroy();
      else refuse(response, 'broken');
    });
  };
}

async function answer(options: FunctionUrlOptions, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const { urlId, region, account, cors } = options;
  const requestId = randomUUID();
  response.setHeader('x-amzn-requestid', requestId);
  const body = await readLimited(message, payloadLimit);
  if (!body) return refuse(response, 'tooLarge');
  const preflight = preflightHeaders(cors, message);
  if (preflight) {
    for (const [name, value] of Object.entries(preflight)) response.setHeader(name, value);
    return void response.writeHead(200).end();
  }
  let accessKeyId: string | undefined;
  try {
    if (options.auth === 'AWS_IAM') accessKeyId = signedBy(message, body, options);
  } catch (error) {
    if (!(error instanceof SigV4Error)) throw error;
    if (error.code === 'AccessDenied') return refuse(response, 'unsigned');
    return refuse(response, 'wronglySigned', error.message);
  }
  const now = options.now();
  const traceId = traceIdOf(message, now);
  const event = functionUrlEvent({ message, body, requestId, now, traceId, urlId, region, account, accessKeyId });
  const outcome = await options.invoke({ payload: Buffer.from(JSON.stringify(event)), traceId });
  if (outcome.kind === 'throttled') return refuse(response, 'throttled');
  if (outcome.kind === 'too-large') return refuse(response, 'tooLarge');
  if (outcome.kind === 'stream') {
    const headers = (own: UrlHead['headers']) => withCors(cors, own, message);
    if (!(await sendStream(outcome, response, headers))) refuse(response, 'broken');
    return;
  }
  // An error is the function's own business, a timeout included: the caller learns nothing of it.
  const result = outcome.kind === 'response' ? functionUrlResponse(outcome.payload) : undefined;
  if (!result) return refuse(response, 'broken');
  if (!setHeaders(response, withCors(cors, result.headers, message))) return refuse(response, 'broken');
  if (result.status !== 204 && result.status !== 304) response.setHeader('content-length', result.body.length);
  response.writeHead(result.status).end(result.body);
}

/** Lambda's: 6 MB, and the event that is made of the body may be no larger either. */
const payloadLimit = 6 * 2 ** 20;

const refusals = {
  broken: [502, 'InternalServerErrorException', 'Internal Server Error'],
  throttled: [429, 'TooManyRequestsException', 'Rate Exceeded.'],
  tooLarge: [413, 'RequestTooLargeException', `Request must be smaller than ${payloadLimit} bytes`],
  unsigned: [403, 'AccessDeniedException', 'Forbidden'],
  wronglySigned: [403, 'InvalidSignatureException', ''],
} as const;

function refuse(response: ServerResponse, why: keyof typeof refusals, message?: string): void {
  const [status, type, text] = refusals[why];
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type });
  response.end(JSON.stringify({ Message: message ?? text }));
}
