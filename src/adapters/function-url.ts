// Lambda function URLs: payload 2.0, which API Gateway's HTTP APIs speak too.
// Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", request and response payload format.
import { isRecord } from '../core/is-record.ts';
import { type HttpResponse, LightHeaders, LightRequest } from '../core/light-http.ts';
import { requestBody, responseBody, withinLimit } from './http-body.ts';

export interface FunctionUrlEvent {
  readonly version: '2.0';
  readonly rawPath: string;
  readonly rawQueryString?: string;
  /** Of an HTTP API: `POST /iris/{proxy+}`. */
  readonly routeKey?: string;
  readonly stageVariables?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: {
    readonly domainName?: string;
    readonly stage?: string;
    readonly http: { readonly method: string };
  };
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

export function toRequest(event: FunctionUrlEvent): LightRequest {
  const { method } = event.requestContext.http;
  const headers = new LightHeaders(Object.entries(event.headers));
  if (event.cookies?.length) headers.set('cookie', event.cookies.join('; '));
  const query = event.rawQueryString ? `?${event.rawQueryString}` : '';
  // An HTTP API's is decoded: what ends a path in a URL is a part of it here.
  const path = event.rawPath.replace(/[?#]/g, encodeURIComponent);
  return new LightRequest(`https://${event.requestContext.domainName ?? 'localhost'}${path}${query}`, {
    method,
    headers,
    ...requestBody(method, event),
  });
}

/** @throws GlowplugError OUTPUT_TOO_LARGE */
export async function fromResponse(response: HttpResponse): Promise<FunctionUrlResult> {
  const { bytes, ...body } = await responseBody(response);
  return withinLimit({ ...resultHead(response), ...body }, bytes);
}

/** The part of the answer that comes before its body. */
export function resultHead(response: HttpResponse): Pick<FunctionUrlResult, 'statusCode' | 'headers' | 'cookies'> {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie'));
  const cookies = response.headers.getSetCookie();
  return { statusCode: response.status, headers, ...(cookies.length > 0 ? { cookies } : {}) };
}
