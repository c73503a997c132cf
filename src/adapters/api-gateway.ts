// API Gateway: REST APIs (payload 1.0), and what HTTP APIs (payload 2.0) have beyond a function URL, a stage in the path.
// Source: Amazon API Gateway Developer Guide, "Input format of a Lambda function for proxy integration".
import { isRecord } from '../core/is-record.ts';
import { type HttpResponse, LightHeaders, LightRequest } from '../core/light-http.ts';
import type { FunctionUrlEvent } from './function-url.ts';
import { type CarriedBody, requestBody, responseBody, withinLimit } from './http-body.ts';

type Values = Readonly<Record<string, readonly string[] | undefined>>;

export interface RestEvent {
  readonly httpMethod: string;
  /** Without the stage. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly multiValueHeaders?: Values | null;
  readonly queryStringParameters?: Readonly<Record<string, string>> | null;
  /** Decoded. */
  readonly multiValueQueryStringParameters?: Values | null;
  readonly requestContext: { readonly stage: string; readonly domainName?: string };
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

export interface RestResult extends CarriedBody {
  readonly statusCode: number;
  readonly multiValueHeaders: Readonly<Record<string, readonly string[]>>;
}

export function isRestEvent(event: unknown): event is RestEvent {
  return (
    isRecord(event) &&
    typeof event['httpMethod'] === 'string' &&
    typeof event['path'] === 'string' &&
    isRecord(event['requestContext']) &&
    typeof event['requestContext']['stage'] === 'string'
  );
}

export function toRequest(event: RestEvent): LightRequest {
  const { httpMethod: method, path, requestContext } = event;
  const query = new URLSearchParams(pairs(event.multiValueQueryStringParameters ?? lists(event.queryStringParameters)));
  const search = query.size > 0 ? `?${query}` : '';
  return new LightRequest(`https://${requestContext.domainName ?? 'localhost'}${path}${search}`, {
    method,
    headers: new LightHeaders(pairs(event.multiValueHeaders ?? lists(event.headers))),
    ...requestBody(method, event),
  });
}

/**
 * Bytes are base64, which API Gateway turns back only for the media types that the API calls binary: give it all of them.
 *
 * @throws GlowplugError OUTPUT_TOO_LARGE
 */
export async function fromResponse(response: HttpResponse): Promise<RestResult> {
  const { bytes, ...body } = await responseBody(response);
  return withinLimit({ statusCode: response.status, multiValueHeaders: headerLists(response), ...body }, bytes);
}

/**
 * An HTTP API's path begins with its stage, unless that is $default, and one of InferenceApi with the function's name there; what a
 * function answers at does not.
 */
export function withoutStage(event: FunctionUrlEvent): FunctionUrlEvent {
  const { stage = '$default' } = event.requestContext;
  const inStage = stage === '$default' ? event : below(`/${stage}`, event);
  if (event.stageVariables?.['glowplugRoutes'] !== 'named') return inStage;
  // `POST /iris/{proxy+}`
  const route = /^\w+ (\/[\w-]+)(\/\{proxy\+\})?$/.exec(event.routeKey ?? '');
  return route?.[1] === undefined ? inStage : below(route[1], inStage);
}

function below(prefix: string, event: FunctionUrlEvent): FunctionUrlEvent {
  if (!(event.rawPath === prefix || event.rawPath.startsWith(`${prefix}/`))) return event;
  return { ...event, rawPath: event.rawPath.slice(prefix.length) || '/' };
}

export function pairs(values: Values): [string, string][] {
  return Object.entries(values).flatMap(([name, list]) => (list ?? []).map((value): [string, string] => [name, value]));
}

export function lists(values: Readonly<Record<string, string>> | null | undefined): Values {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, [value]]));
}

export function headerLists(response: HttpResponse): Record<string, string[]> {
  const byName = Map.groupBy(response.headers, ([name]) => name);
  return Object.fromEntries([...byName].map(([name, entries]) => [name, entries.map(([, value]) => value)]));
}
