// Which pages of other origins a browser lets read the answers. Off unless origins are named.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Sets the headers of an allowed origin; true when the request was a preflight, which is answered then. */
export function cors(origins: readonly string[], message: IncomingMessage, out: ServerResponse): boolean {
  const { origin } = message.headers;
  if (origins.length === 0 || origin === undefined) return false;
  const any = origins.includes('*');
  if (!any) out.appendHeader('vary', 'origin');
  if (!any && !origins.includes(origin)) return false;
  out.setHeader('access-control-allow-origin', any ? '*' : origin);
  out.setHeader('access-control-expose-headers', 'inference-header-content-length, retry-after, x-request-id');
  if (message.method !== 'OPTIONS' || !message.headers['access-control-request-method']) return false;
  out.setHeader('access-control-allow-methods', 'GET, POST');
  // Echoed: whatever the page wants to send, the server reads what it knows.
  out.setHeader('access-control-allow-headers', message.headers['access-control-request-headers'] ?? '*');
  out.setHeader('access-control-max-age', '600');
  out.statusCode = 204;
  out.end();
  return true;
}
