// Lambda's Invoke API, for the real @aws-sdk/client-lambda.
// Source: AWS Lambda API Reference, "Invoke" and "InvokeWithResponseStream".
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Invocation, Outcome, StreamOutcome } from './invocation.ts';
import { readLimited } from './read-limited.ts';
import { sendEvents } from './send-events.ts';
import { type Gate, signedBy, splitTarget } from './signed-by.ts';
import { SigV4Error } from './sigv4.ts';

export interface LambdaApiOptions extends Gate {
  find(name: string, qualifier: string): InvocationTarget | undefined;
  readonly account: string;
}

export interface InvocationTarget {
  readonly version: string;
  invoke(invocation: Invocation): Promise<Outcome>;
  /** Takes it for later; the answer is its request id. */
  accept(invocation: Invocation): string;
  /** For an invocation that `streams`. */
  stream(invocation: Invocation): Promise<Outcome | StreamOutcome>;
}

/** For front doors: a version or an alias of a function that runs here. */
export type FindFunction = (name: string, qualifier: string) => Pick<InvocationTarget, 'invoke'> | undefined;

/** Whatever goes wrong is an answer. */
export function lambdaApiListener(options: LambdaApiOptions): RequestListener {
  return (message, response) => {
    response.setHeader('x-amzn-requestid', randomUUID());
    answer(options, message, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else if (error instanceof Refusal) error.send(response);
      else new Refusal(500, 'ServiceException', 'The local cloud failed to invoke the function').send(response);
    });
  };
}

async function answer(options: LambdaApiOptions, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const type = message.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  const limit = isInvocationType(type) ? limits[type] : limits.RequestResponse;
  const body = await readLimited(message, limit);
  if (!body) throw tooLarge(limit);
  checkSignature(options, message, body);
  const { invoke, stream, accept, version, streams } = target(options, message);
  if (!isInvocationType(type)) {
    const expected = Object.keys(limits).join(', ');
    throw new Refusal(400, 'InvalidParameterValueException', `Unsupported invocation type, expected ${expected}`);
  }
  if (body.length > 0 && parseJson(body.toString()) === undefined) {
    throw new Refusal(400, 'InvalidRequestContentException', 'Could not parse request body into json');
  }
  if (type === 'DryRun') return void response.writeHead(204).end();
  const [traceId] = message.headersDistinct['x-amzn-trace-id'] ?? [];
  const invocation = {
    payload: body.length === 0 ? Buffer.from('{}') : body,
    ...readContext(message.headers['x-amz-client-context']),
    ...(traceId === undefined ? {} : { traceId }),
  };
  const wantsTail = message.headers['x-amz-log-type'] === 'Tail';
  if (streams) {
    const outcome = await stream({ ...invocation, streams });
    refuseUnless(outcome);
    return await sendEvents(response, outcome, version, wantsTail);
  }
  if (type === 'Event') return void response.writeHead(202, { 'x-amzn-requestid': accept(invocation) }).end();
  sendOutcome(response, await invoke(invocation), version, wantsTail);
}

/** Bytes of a payload: 6 MB synchronous, 1 MB asynchronous. */
const limits = { RequestResponse: 6 * 2 ** 20, DryRun: 6 * 2 ** 20, Event: 2 ** 20 } as const;

function isInvocationType(type: unknown): type is keyof typeof limits {
  return typeof type === 'string' && Object.hasOwn(limits, type);
}

class Refusal extends Error {
  readonly #status: number;
  readonly #type: string;
  readonly #fields: Readonly<Record<string, string>>;

  constructor(status: number, type: string, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.#status = status;
    this.#type = type;
    this.#fields = fields;
  }

  send(response: ServerResponse): void {
    response.writeHead(this.#status, { 'content-type': 'application/json', 'x-amzn-errortype': this.#type });
    response.end(
      JSON.stringify({ Type: this.#status < 500 ? 'User' : 'Service', ...this.#fields, message: this.message }),
    );
  }
}

function tooLarge(limit: number): Refusal {
  const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`;
  return new Refusal(413, 'RequestTooLargeException', message);
}

function checkSignature(options: LambdaApiOptions, message: IncomingMessage, body: Buffer): void {
  try {
    signedBy(message, body, options);
  } catch (error) {
    if (!(error instanceof SigV4Error)) throw error;
    const types: Readonly<Record<string, string>> = {
      AccessDenied: 'MissingAuthenticationTokenException',
      InvalidAccessKeyId: 'UnrecognizedClientException',
    };
    throw new Refusal(403, types[error.code] ?? 'InvalidSignatureException', error.message);
  }
}

/** A name, a partial ARN (`account:function:name`) or a whole one, with a version or alias in it or beside it. */
function target({ find, region, account }: LambdaApiOptions, message: IncomingMessage) {
  const [path, query] = splitTarget(message);
  const [, encoded, verb] =
    /^\/(?:2015-03-31|2021-11-15)\/functions\/([^/]+)\/((?:response-streaming-)?invocations)$/.exec(path) ?? [];
  if (message.method !== 'POST' || encoded === undefined) {
    throw new Refusal(404, 'UnknownOperationException', 'the local cloud has Invoke and InvokeWithResponseStream');
  }
  const named = /^(?:(?:arn:[\w-]+:lambda:[\w-]+:)?\d{12}:(?:function:)?)?([\w-]{1,140})(?::([\w$-]+))?$/.exec(
    decode(encoded),
  );
  const [, name = '', version = new URLSearchParams(query).get('Qualifier') ?? '$LATEST'] = named ?? [];
  const found = find(name, version);
  if (found) return { ...found, streams: verb !== 'invocations' };
  const suffix = version === '$LATEST' ? '' : `:${version}`;
  const arn = `arn:aws:lambda:${region}:${account}:function:${name || decode(encoded)}${suffix}`;
  throw new Refusal(404, 'ResourceNotFoundException', `Function not found: ${arn}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readContext(header: string | string[] | undefined): { clientContext?: string } {
  if (typeof header !== 'string') return {};
  const context = parseJson(Buffer.from(header, 'base64').toString());
  if (typeof context !== 'object' || context === null) {
    throw new Refusal(
      400,
      'InvalidRequestContentException',
      'Client context must be a valid Base64-encoded JSON object.',
    );
  }
  // The Runtime API hands it on in a header, which takes ASCII alone.
  return { clientContext: JSON.stringify(context).replace(/[^ -~]/g, escapeUnit) };
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** JSON has no undefined: that is what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What never reached the function is no answer of it. */
function refuseUnless<T extends Outcome | StreamOutcome>(
  outcome: T,
): asserts outcome is Exclude<T, { kind: 'too-large' | 'throttled' }> {
  if (outcome.kind === 'too-large') throw tooLarge(limits.RequestResponse);
  if (outcome.kind === 'throttled') {
    throw new Refusal(429, 'TooManyRequestsException', 'Rate Exceeded.', { Reason: outcome.reason });
  }
}

function sendOutcome(response: ServerResponse, outcome: Outcome, version: string, wantsTail: boolean): void {
  refuseUnless(outcome);
  const { kind, requestId, payload, logTail } = outcome;
  response.writeHead(200, {
    'content-type': 'application/json',
    'x-amz-executed-version': version,
    'x-amzn-requestid': requestId,
    ...(kind === 'error' ? { 'x-amz-function-error': outcome.functionError } : {}),
    ...(wantsTail ? { 'x-amz-log-result': Buffer.from(logTail).toString('base64') } : {}),
  });
  response.end(payload);
}
