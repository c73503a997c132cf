// A request as a load balancer hands it to a function, and what comes back.
// Source: Elastic Load Balancing, "Use Lambda functions as targets of an Application Load Balancer".
import type { IncomingMessage } from 'node:http';
import { isRecord } from '../core/is-record.ts';
import type { UrlResponse } from './function-url-result.ts';

export interface AlbEventInput {
  readonly message: IncomingMessage;
  /** As it came, percent-encoded. */
  readonly path: string;
  readonly query: string;
  readonly body: Buffer;
  readonly traceId: string;
  readonly targetGroupArn: string;
  readonly lists: boolean;
  readonly listener: { readonly protocol: 'http' | 'https'; readonly port: number };
}

/** 1 MB: of a request's body, and of the JSON that a function answers with. */
export const albLimit = 2 ** 20;

export function albEvent({ message, path, query, body, traceId, targetGroupArn, lists, listener }: AlbEventInput) {
  const before = message.headersDistinct['x-forwarded-for'] ?? [];
  const headers = {
    ...Object.fromEntries(Object.entries(message.headersDistinct).map(([name, values]) => [name, values ?? []])),
    'x-amzn-trace-id': [traceId],
    'x-forwarded-for': [[...before, message.socket.remoteAddress ?? '127.0.0.1'].join(', ')],
    'x-forwarded-port': [`${listener.port}`],
    'x-forwarded-proto': [listener.protocol],
  };
  // Neither decoded nor joined.
  const pairs = query.split('&').filter((each) => each !== '');
  const split = pairs.map((pair) => /^([^=]*)=?(.*)$/s.exec(pair) ?? []);
  const byName = Map.groupBy(split, ([, name = '']) => name);
  const parameters = Object.fromEntries([...byName].map(([name, all]) => [name, all.map(([, , value = '']) => value)]));
  const isBase64Encoded = body.length > 0 && !isText(message);
  return {
    requestContext: { elb: { targetGroupArn } },
    httpMethod: message.method ?? 'GET',
    path,
    ...(lists
      ? { multiValueQueryStringParameters: parameters, multiValueHeaders: headers }
      : { queryStringParameters: lastOf(parameters), headers: lastOf(headers) }),
    body: body.toString(isBase64Encoded ? 'base64' : 'utf8'),
    isBase64Encoded,
  };
}

/** Undefined: the load balancer cannot send it on. Headers count only where the target group has them. */
export function albResponse(payload: Uint8Array, lists: boolean): UrlResponse | undefined {
  if (payload.byteLength > albLimit) return undefined;
  const result: unknown = JSON.parse(Buffer.from(payload).toString());
  if (!isRecord(result)) return undefined;
  const { statusCode, body = '', isBase64Encoded } = result;
  const given = result[lists ? 'multiValueHeaders' : 'headers'] ?? {};
  const isStatus =
    typeof statusCode === 'number' && Number.isInteger(statusCode) && statusCode >= 200 && statusCode < 600;
  if (!isStatus || typeof body !== 'string' || !isRecord(given)) return undefined;
  const headers = Object.entries(given)
    // Framing is the host's.
    .filter(([name]) => !/^(content-length|transfer-encoding|connection)$/i.test(name))
    .map(([name, value]) => [name.toLowerCase(), lists ? [value].flat().map(String) : String(value)] as const);
  return {
    status: statusCode,
    headers: { 'content-type': 'application/octet-stream', ...Object.fromEntries(headers) },
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** Everything else arrives as base64, compressed text too. */
function isText({ headers }: IncomingMessage): boolean {
  if (headers['content-encoding'] !== undefined) return false;
  return /^\s*(text\/.*|application\/(json|javascript|xml)\s*(;.*)?)$/i.test(headers['content-type'] ?? '');
}

function lastOf(values: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.at(-1) ?? '']));
}
