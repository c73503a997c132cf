// Whether a request is to be answered later. Apart from respond-async.ts, which brings along what only such requests need.
import type { HttpRequest } from '../core/light-http.ts';
/** Answers that were not ready lie under this path. */
export const places = '/async/';

/** It asks for that, or for an answer that was not ready. */
export function isAskedLater({ method, headers, url }: HttpRequest): boolean {
  const prefers = /(^|[\s,])respond-async(?=$|[\s,;])/i.test(headers.get('prefer') ?? '');
  return (method === 'POST' && prefers) || (method === 'GET' && new URL(url).pathname.startsWith(places));
}
