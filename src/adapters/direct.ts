// Direct invocation: the payload is the input as JSON, the result is the answer as JSON.
import { type HttpResponse, LightHeaders, LightRequest } from '../core/light-http.ts';
import { fromResponse as toHttpResult } from './function-url.ts';
import { withinLimit } from './http-body.ts';

export function toRequest(payload: unknown): LightRequest {
  return new LightRequest('https://localhost/', {
    method: 'POST',
    headers: new LightHeaders([['content-type', 'application/json']]),
    body: JSON.stringify(payload ?? null),
  });
}

/**
 * JSON comes back as its value, anything else as a function URL's result. A refusal throws: the caller sees
 * `X-Amz-Function-Error`, the code as `errorType` and the message as `errorMessage`.
 *
 * @throws InvocationError, GlowplugError OUTPUT_TOO_LARGE
 */
export async function fromResponse(response: HttpResponse): Promise<unknown> {
  const isJson = /^application\/json\b/i.test(response.headers.get('content-type') ?? '');
  if (!response.ok) throw new InvocationError(response.status, isJson ? await response.json() : {});
  if (!isJson) return await toHttpResult(response);
  const text = await response.text();
  return withinLimit<unknown>(JSON.parse(text), text.length);
}

export class InvocationError extends Error {
  constructor(status: number, body: unknown) {
    const field = (name: string) => Object.getOwnPropertyDescriptor(Object(body), name)?.value;
    const what = String(field('error') ?? `status ${status}`).replace(/\.?$/, '.');
    super(`${what} ${field('remedy') ?? ''}`.trim());
    this.name = String(field('code') ?? 'INTERNAL');
    // Lambda sends the stack to the caller as `trace`: the refusal is the whole of it.
    this.stack = `${this.name}: ${this.message}`;
  }
}
