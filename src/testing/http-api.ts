// The front door of API Gateway's HTTP APIs: a route is found, its event goes to the function, the result comes back as HTTP.
// Source: Amazon API Gateway Developer Guide, "Working with HTTP APIs".
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { preflightHeaders, withCors } from './function-url-cors.ts';
import { traceIdOf } from './function-url-event.ts';
import { functionUrlResponse } from './function-url-result.ts';
import { authorizing } from './http-api-authorizer.ts';
import { authorizedEvent, httpApiEvent } from './http-api-event.ts';
import { type HttpRoute, matchRoute } from './http-api-route.ts';
import type { FindFunction } from './lambda-api.ts';
import { readLimited } from './read-limited.ts';
import type { UrlCors } from './runtime/function-spec.ts';
import { setHeaders } from './set-headers.ts';
import { type Gate, signedBy, splitTarget } from './signed-by.ts';
import { SigV4Error } from './sigv4.ts';

/** An AWS::ApiGatewayV2::Api with what belongs to it. Its stage is $default. */
export interface HttpApiSpec {
  /** The logical id in the template. */
  readonly id: string;
  readonly routes: readonly HttpRoute[];
  readonly stageVariables: Readonly<Record<string, string>>;
  /** Requests a second, and how many at once beyond. @default none */
  readonly throttle?: { readonly rate: number; readonly burst: number };
  readonly cors?: UrlCors;
}

export interface HttpApiOptions extends Gate {
  readonly account: string;
  readonly find: FindFunction;
}

/** Where they lie on the port of the AWS APIs, each below its id: no bucket's name begins so. */
export const apiPath = '/_api/';

/** Whatever goes wrong is an answer. @param apis those that are deployed now */
export function httpApiListener(options: HttpApiOptions, apis: () => readonly HttpApiSpec[]): RequestListener {
  const allowed = throttles(options.now);
  const authorize = authorizing(options);
  return (message, response) => {
    const [path, query] = splitTarget(message);
    const [id = '', ...parts] = path.slice(apiPath.length).split('/');
    const api = apis().find((each) => each.id === id);
    if (!api) return refuse(response, 404);
    if (!allowed(api)) return refuse(response, 429);
    const asked = { path: decoded(`/${parts.join('/')}`), query, message };
    answer({ ...options, authorize }, api, asked, response).catch(() => {
      if (response.headersSent || response.destroyed) response.destroy();
      else refuse(response, 500);
    });
  };
}

async function answer(
  options: HttpApiOptions & { readonly authorize: ReturnType<typeof authorizing> },
  { id, routes, stageVariables, cors }: HttpApiSpec,
  { path, query, message }: { readonly path: string; readonly query: string; readonly message: IncomingMessage },
  response: ServerResponse,
): Promise<void> {
  const { region, account, now } = options;
  const requestId = randomUUID();
  response.setHeader('apigw-requestid', requestId);
  const body = await readLimited(message, payloadLimit);
  if (!body) return refuse(response, 413);
  const preflight = preflightHeaders(cors, message);
  if (preflight) {
    setHeaders(response, preflight);
    return void response.writeHead(204).end();
  }
  const found = matchRoute(routes, message.method ?? 'GET', path);
  if (!found) return refuse(response, 404);
  const { route, parameters } = found;
  const { auth, key: routeKey, functionName, qualifier } = route;
  let accessKeyId: string | undefined;
  try {
    if (auth === 'AWS_IAM') accessKeyId = signedBy(message, body, options, 'execute-api');
  } catch (error) {
    if (error instanceof SigV4Error) return refuse(response, 403);
    throw error;
  }
  const traceId = traceIdOf(message, now());
  const about = { message, body, requestId, now: now(), traceId, urlId: id, region, account, accessKeyId };
  const event = httpApiEvent({ ...about, path, query, routeKey, parameters, stageVariables });
  const authorized = typeof auth === 'object' ? await options.authorize(auth, event) : undefined;
  if (authorized?.refusal) return refuse(response, authorized.refusal);
  const told = authorized ? authorizedEvent(event, authorized.context) : event;
  const payload = Buffer.from(JSON.stringify(told));
  const outcome = await options.find(functionName, qualifier)?.invoke({ payload, traceId });
  if (outcome?.kind === 'throttled') return refuse(response, 503);
  if (outcome?.kind === 'too-large') return refuse(response, 413);
  const result = outcome?.kind === 'response' ? functionUrlResponse(outcome.payload) : undefined;
  if (!result || !setHeaders(response, withCors(cors, result.headers, message))) return refuse(response, 500);
  if (result.status !== 204 && result.status !== 304) response.setHeader('content-length', result.body.length);
  response.writeHead(result.status).end(result.body);
}

/** API Gateway's is 10 MB; Lambda takes 6 MB of it. */
const payloadLimit = 10 * 2 ** 20;

const refusals = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

function refuse(response: ServerResponse, status: keyof typeof refusals): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message: refusals[status] }));
}

/** HTTP APIs decode it; what cannot be decoded stays as it came. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** A bucket of tokens for each API: `burst` of them at most, `rate` more each second. */
function throttles(now: () => Date): (api: HttpApiSpec) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return ({ id, throttle }) => {
    if (!throttle) return true;
    const at = now().getTime();
    const before = buckets.get(id) ?? { tokens: throttle.burst, at };
    const tokens = Math.min(throttle.burst, before.tokens + (throttle.rate * Math.max(0, at - before.at)) / 1000);
    buckets.set(id, { tokens: tokens >= 1 ? tokens - 1 : tokens, at });
    return tokens >= 1;
  };
}
