// Part of every client that `glowplug client` writes: one request, tried again where the function says it is busy.
import type { ErrorCode } from '../../src/core/error-catalogue.ts';

export interface ClientOptions {
  /** Where the function answers, such as https://….lambda-url.eu-west-1.on.aws/ */
  readonly url: string | URL;
  /** Signs each attempt where IAM guards the URL: `(request) => aws.sign(request)`, with aws4fetch's AwsClient as `aws`. */
  readonly sign?: (request: Request) => Request | Promise<Request>;
  /** Sent as x-api-key. @default none */
  readonly apiKey?: string;
  /** After an answer of 429 or 503; Retry-After is waited for, up to a minute. @default 3 */
  readonly retries?: number;
  /** @default the platform's */
  readonly fetch?: (request: Request, init: RequestInit) => Promise<Response>;
}

export interface CallOptions {
  /** Ends the call. */
  readonly signal?: AbortSignal;
}

/** Any answer but 2xx, or an error among the parts of a streamed one. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** HTTP status. */
  readonly status: number;
  /** undefined where something before the function answered. */
  readonly code: ErrorCode | undefined;
  readonly remedy: string | undefined;
  /** To be found in the function's log. */
  readonly requestId: string | undefined;
  /** Milliseconds that the answer asked to wait. */
  readonly retryAfter: number | undefined;

  constructor(status: number, body: ErrorBody, retryAfter?: number) {
    super(body.error ?? body.message ?? body.Message ?? `the function answered ${status}`);
    this.status = status;
    this.code = body.code;
    this.remedy = body.remedy;
    this.requestId = body.requestId;
    this.retryAfter = retryAfter;
  }
}

interface ErrorBody {
  readonly error?: string;
  readonly code?: ErrorCode;
  readonly remedy?: string;
  readonly requestId?: string;
  /** What API Gateway and Lambda themselves say. */
  readonly message?: string;
  readonly Message?: string;
}

export type Body = NonNullable<RequestInit['body']>;

export interface Sent {
  readonly body: Body;
  /** Content type. */
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const LONGEST_WAIT = 60_000;

/** The answer, which is 2xx; whatever else came is thrown. */
export async function send(
  options: ClientOptions,
  { body, type, headers }: Sent,
  call: CallOptions,
): Promise<Response> {
  const { url, sign, apiKey, retries = 3, fetch: ask = fetch } = options;
  const init = call.signal ? { signal: call.signal } : {};
  const key: Record<string, string> = apiKey === undefined ? {} : { 'x-api-key': apiKey };
  // Whole, so that it can be sent again.
  const bytes = await new Response(body).arrayBuffer();
  for (let attempt = 0; ; attempt++) {
    const request = new Request(url, {
      method: 'POST',
      body: bytes,
      headers: { 'content-type': type, ...headers, ...key },
    });
    const response = await ask(sign ? await sign(request) : request, init);
    if (response.ok) return response;
    const error = await errorOf(response);
    const wait = (error.retryAfter ?? 0) + Math.random() * Math.min(10_000, 200 * 2 ** attempt);
    const busy = response.status === 429 || response.status === 503;
    if (!busy || attempt >= retries || wait > LONGEST_WAIT) throw error;
    await pause(wait, call.signal);
  }
}

async function errorOf(response: Response): Promise<CallError> {
  const text = await response.text();
  const after = response.headers.get('retry-after') ?? '';
  const date = Date.parse(after);
  const seconds = /^\d+$/.test(after) ? Number(after) : Number.isNaN(date) ? undefined : (date - Date.now()) / 1000;
  return new CallError(
    response.status,
    errorBody(text),
    seconds === undefined ? undefined : Math.max(0, seconds * 1000),
  );
}

function errorBody(text: string): ErrorBody {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, milliseconds);
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave, { once: true });
  });
}
