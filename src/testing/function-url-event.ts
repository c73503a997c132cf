// The event of a function URL: payload format 2.0, as AWS makes it of an HTTP request.
// Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", request payload format.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { splitTarget } from './signed-by.ts';

export interface UrlIdentity {
  readonly urlId: string;
  readonly region: string;
  readonly account: string;
}

export interface EventInput extends UrlIdentity {
  readonly message: IncomingMessage;
  readonly body: Buffer;
  readonly requestId: string;
  readonly now: Date;
  readonly traceId: string;
  /** The key that signed; undefined when the URL asks for none. */
  readonly accessKeyId: string | undefined;
}

export function functionUrlEvent(input: EventInput) {
  const { message, body, requestId, now, traceId, urlId, region, account, accessKeyId } = input;
  // Still percent-encoded, where API Gateway's HTTP APIs decode it.
  const [path, query] = splitTarget(message);
  const { cookie, ...headers } = joinHeaders(message.rawHeaders);
  const domainName = `${urlId}.lambda-url.${region}.on.aws`;
  const sourceIp = message.socket.remoteAddress ?? '127.0.0.1';
  const isBase64Encoded = body.length > 0 && !isText(headers['content-type']);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers: {
      ...headers,
      host: domainName,
      'x-amzn-trace-id': traceId,
      'x-forwarded-for': sourceIp,
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    ...(query === '' ? {} : { queryStringParameters: joinQuery(query) }),
    requestContext: {
      accountId: accessKeyId === undefined ? 'anonymous' : account,
      apiId: urlId,
      ...(accessKeyId === undefined ? {} : { authorizer: { iam: caller(accessKeyId, account) } }),
      domainName,
      domainPrefix: urlId,
      http: {
        method: message.method ?? 'GET',
        path,
        protocol: `HTTP/${message.httpVersion}`,
        sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId,
      routeKey: '$default',
      stage: '$default',
      time: logTime(now),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 ? { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') } : {}),
    isBase64Encoded,
  };
}

/** The caller's own, or a new one in X-Ray's format. */
export function traceIdOf(message: IncomingMessage, now: Date): string {
  const [given] = message.headersDistinct['x-amzn-trace-id'] ?? [];
  const seconds = Math.floor(now.getTime() / 1000).toString(16);
  return given ?? `Root=1-${seconds}-${randomBytes(12).toString('hex')}`;
}

/** Everything else arrives as base64: forms, +json and bodies without a content type too. */
function isText(contentType: string | undefined): boolean {
  return /^\s*(text\/.*|application\/(json|xml|javascript)\s*(;.*)?)$/i.test(contentType ?? '');
}

/** Lower-case names; a header that came several times is one, joined with commas. */
function joinHeaders(raw: readonly string[]): Record<string, string> {
  const joined = new Map<string, string>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]?.toLowerCase() ?? '';
    const before = joined.get(name);
    const separator = name === 'cookie' ? '; ' : ',';
    joined.set(name, before === undefined ? (raw[i + 1] ?? '') : `${before}${separator}${raw[i + 1]}`);
  }
  return Object.fromEntries(joined);
}

/** Decoded; a parameter that came several times is one, joined with commas. */
function joinQuery(query: string): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
}

function caller(accessKey: string, accountId: string): object {
  const userId = `AIDA${accessKey.slice(4)}`;
  return {
    accessKey,
    accountId,
    callerId: userId,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: `arn:aws:iam::${accountId}:user/local`,
    userId,
  };
}

/** `12/Mar/2020:19:03:58 +0000` */
function logTime(now: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(now.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
