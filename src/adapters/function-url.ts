// Lambda function URLs, and API Gateway HTTP APIs, which share the event format: payload 2.0.
// Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", request and response payload format.
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';

export interface FunctionUrlEvent {
  readonly version: '2.0';
  readonly rawPath: string;
  readonly rawQueryString?: string;
  readonly cookies?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: { readonly domainName?: string; readonly http: { readonly method: string } };
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export interface FunctionUrlResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** Lambda refuses a response of more bytes than this, counted as the JSON that the function answers with. */
const MAX_RESULT_BYTES = 6 * 1024 * 1024;
/** Room for status, headers and cookies; API Gateway and function URLs allow 10 KB of headers. */
const HEAD_BYTES = 64 * 1024;

export function isFunctionUrlEvent(event: unknown): event is FunctionUrlEvent {
  return (
    isRecord(event) &&
    event['version'] === '2.0' &&
    typeof event['rawPath'] === 'string' &&
    isRecord(event['headers']) &&
    isRecord(event['requestContext']) &&
    isRecord(event['requestContext']['http'])
  );
}

export function toRequest(event: FunctionUrlEvent): Request {
  const { method } = event.requestContext.http;
  const headers = new Headers(event.headers);
  if (event.cookies?.length) headers.set('cookie', event.cookies.join('; '));
  const query = event.rawQueryString ? `?${event.rawQueryString}` : '';
  const bodyless = event.body === undefined || method === 'GET' || method === 'HEAD';
  return new Request(`https://${event.requestContext.domainName ?? 'localhost'}${event.rawPath}${query}`, {
    method,
    headers,
    ...(bodyless ? {} : { body: event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64') : (event.body ?? '') }),
  });
}

/** @throws GlowplugError OUTPUT_TOO_LARGE */
export async function fromResponse(response: Response): Promise<FunctionUrlResult> {
  const bytes = Buffer.from(await response.arrayBuffer());
  // Compressed text is no text.
  const isBase64Encoded = !isText(response.headers.get('content-type')) || response.headers.has('content-encoding');
  const result = {
    ...resultHead(response),
    body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8'),
    isBase64Encoded,
  };
  return withinLimit(result, bytes.length);
}

/** The part of the answer that comes before its body. */
export function resultHead(response: Response): Pick<FunctionUrlResult, 'statusCode' | 'headers' | 'cookies'> {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie'));
  const cookies = response.headers.getSetCookie();
  return { statusCode: response.status, headers, ...(cookies.length > 0 ? { cookies } : {}) };
}

/**
 * The result, unless Lambda would refuse it.
 *
 * @throws GlowplugError OUTPUT_TOO_LARGE
 */
export function withinLimit<T>(result: T, bodyBytes: number): T {
  // In JSON a byte may become six characters (\u0000): counting exactly costs a second serialisation, so only near the limit.
  if (bodyBytes * 6 + HEAD_BYTES < MAX_RESULT_BYTES) return result;
  const bytes = Buffer.byteLength(JSON.stringify(result));
  if (bytes <= MAX_RESULT_BYTES) return result;
  throw new GlowplugError(
    'OUTPUT_TOO_LARGE',
    `expected an answer of at most ${MAX_RESULT_BYTES} bytes as Lambda counts them, got ${bytes}`,
  );
}

/** What Lambda itself takes for text; a string body of another type is base64 on the way in as well. */
function isText(contentType: string | null): boolean {
  return /^(text\/|application\/([\w.-]+\+)?(json|xml|javascript)\b)/i.test(contentType ?? '');
}
