// A response with one header more.
import { type HttpResponse, standardResponse } from '../core/light-http.ts';
export function withHeader(response: HttpResponse, name: string, value: string): HttpResponse {
  try {
    response.headers.set(name, value);
    return response;
  } catch {
    // Headers of a redirect, and of what fetch() answered, cannot be changed.
    const { body, status, statusText } = standardResponse(response);
    const headers = new Headers([...response.headers]);
    headers.set(name, value);
    return new Response(body, { status, statusText, headers });
  }
}
