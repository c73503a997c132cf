// An Application Load Balancer with the function as its target.
// Source: Elastic Load Balancing, "Use Lambda functions as targets of an Application Load Balancer".
import { STATUS_CODES } from 'node:http';
import { type HttpResponse, LightHeaders, LightRequest } from '../core/light-http.ts';
import type { AlbEvent } from './alb-event.ts';
import { headerLists, lists, pairs } from './api-gateway.ts';
import { type CarriedBody, requestBody, responseBody, withinLimit } from './http-body.ts';

export interface AlbResult extends CarriedBody {
  readonly statusCode: number;
  readonly statusDescription: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
}

/** A load balancer carries less than Lambda: 1 MB, either way. */
const MAX_RESULT_BYTES = 1024 * 1024;

/** Before several functions (InferenceLoadBalancer) the first part of the path is the function's name. */
export function withoutName(event: AlbEvent): AlbEvent {
  return { ...event, path: event.path.replace(/^\/[^/]+/, '') || '/' };
}

export function toRequest(event: AlbEvent): LightRequest {
  const { httpMethod: method, path } = event;
  const headers = new LightHeaders(pairs(event.multiValueHeaders ?? lists(event.headers)));
  // Names and values as they came: a load balancer decodes neither.
  const query = pairs(event.multiValueQueryStringParameters ?? lists(event.queryStringParameters));
  const search = query.length > 0 ? `?${query.map(([name, value]) => `${name}=${value}`).join('&')}` : '';
  // An empty text is no body.
  const body = event.body ? requestBody(method, event) : {};
  return new LightRequest(`https://${hostIn(headers)}${path.replace(/^(?!\/)/, '/')}${search}`, {
    method,
    headers,
    ...body,
  });
}

/** A client writes it: what is more than a host would change the path, or be no URL. */
function hostIn(headers: LightHeaders): string {
  const host = headers.get('host') ?? '';
  return /^[\w.-]+(:\d+)?$/.test(host) && URL.canParse(`https://${host}`) ? host : 'localhost';
}

/** @throws GlowplugError OUTPUT_TOO_LARGE */
export async function fromResponse(response: HttpResponse, { multiValueHeaders }: AlbEvent): Promise<AlbResult> {
  const { bytes, ...body } = await responseBody(response);
  const all = headerLists(response);
  const single = Object.entries(all).map(([name, values]) => [name, values.at(-1) ?? '']);
  const result = {
    statusCode: response.status,
    statusDescription: `${response.status} ${STATUS_CODES[response.status] ?? ''}`.trim(),
    ...(multiValueHeaders ? { multiValueHeaders: all } : { headers: Object.fromEntries(single) }),
    ...body,
  };
  return withinLimit(result, bytes, MAX_RESULT_BYTES);
}
