// Whether a request is to be answered later. Apart from respond-async.ts, which brings along what only such requests need.
import type { HttpRequest, HttpResponse } from '../core/light-http.ts';

/** Answers that were not ready lie under this path. */
export const places = '/async/';

/** It asks for that, or for an answer that was not ready. */
export function isAskedLater({ method, headers, url }: HttpRequest): boolean {
  const prefers = /(^|[\s,])respond-async(?=$|[\s,;])/i.test(headers.get('prefer') ?? '');
  return (method === 'POST' && prefers) || (method === 'GET' && new URL(url).pathname.startsWith(places));
}

/** The place in the client's words: before the path that the function saw stands what led to the function. */
export function findable(response: HttpResponse, asked: string, own: string): HttpResponse {
  const location = response.headers.get('location');
  const before = asked.endsWith(own) ? asked.slice(0, asked.length - own.length) : asked;
  if (before !== '' && location?.startsWith(places)) response.headers.set('location', `${before}${location}`);
  return response;
}
