// CORS of a function URL, as the template configures it: the URL answers preflights itself and adds its headers to
// every answer, whatever the function says about CORS.
// Source: AWS Lambda Developer Guide, "Creating and managing Lambda function URLs", cross-origin resource sharing.
import type { IncomingMessage } from 'node:http';
import type { UrlCors } from './runtime/function-spec.ts';

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** The answer's headers for a page of another origin; none where there is no origin or it is not allowed. */
function corsHeaders(cors: UrlCors | undefined, { headers }: IncomingMessage): Headers {
  const { origin } = headers;
  if (!cors || origin === undefined) return {};
  const all = cors.allowOrigins.includes('*');
  if (!all && !cors.allowOrigins.includes(origin)) return {};
  return {
    'access-control-allow-origin': all && !cors.allowCredentials ? '*' : origin,
    vary: 'Origin',
    ...(cors.allowCredentials ? { 'access-control-allow-credentials': 'true' } : {}),
    ...(cors.exposeHeaders.length > 0 ? { 'access-control-expose-headers': cors.exposeHeaders.join(',') } : {}),
  };
}

/** Of a preflight, which no function sees and nobody signs; undefined for any other request. */
export function preflightHeaders(cors: UrlCors | undefined, message: IncomingMessage): Headers | undefined {
  const wanted = message.headers['access-control-request-method'];
  if (!cors || message.method !== 'OPTIONS' || wanted === undefined) return undefined;
  const headers = corsHeaders(cors, message);
  if (!('access-control-allow-origin' in headers)) return {};
  const list = (allowed: readonly string[], asked: string | undefined) =>
    allowed.includes('*') ? (asked ?? '*') : allowed.join(',');
  return {
    ...headers,
    'access-control-allow-methods': list(cors.allowMethods, wanted),
    'access-control-allow-headers': list(cors.allowHeaders, message.headers['access-control-request-headers']),
    'access-control-max-age': `${cors.maxAge}`,
  };
}

/** What the function said, with the URL's own word about CORS. */
export function withCors(cors: UrlCors | undefined, headers: Headers, message: IncomingMessage): Headers {
  if (!cors) return headers;
  const own = Object.entries(headers).filter(([name]) => !name.startsWith('access-control-'));
  return { ...Object.fromEntries(own), ...corsHeaders(cors, message) };
}
