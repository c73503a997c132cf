// What the HTTP hosts of Lambda share: bodies as text or base64, and the size that Lambda carries.
import { GlowplugError } from '../core/errors.ts';
import type { HttpResponse } from '../core/light-http.ts';

/** Lambda refuses a response of more bytes than this, counted as the JSON that the function answers with. */
const MAX_RESULT_BYTES = 6 * 1024 * 1024;
/** Room for status, headers and cookies; API Gateway and function URLs allow 10 KB of headers. */
const HEAD_BYTES = 64 * 1024;

export interface CarriedBody {
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** A GET's or HEAD's body is ignored, as the standard Request does. */
export function requestBody(
  method: string,
  {
    body,
    isBase64Encoded,
  }: { readonly body?: string | null | undefined; readonly isBase64Encoded?: boolean | undefined },
): { body?: string | Buffer<ArrayBuffer> } {
  if (body === undefined || body === null || method === 'GET' || method === 'HEAD') return {};
  return { body: isBase64Encoded ? Buffer.from(body, 'base64') : body };
}

export async function responseBody(response: HttpResponse): Promise<CarriedBody & { readonly bytes: number }> {
  const bytes = Buffer.from(await response.arrayBuffer());
  // Compressed text is no text.
  const isBase64Encoded = !isText(response.headers.get('content-type')) || response.headers.has('content-encoding');
  return { body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded, bytes: bytes.length };
}

/**
 * The result, unless its host would refuse it.
 *
 * @throws GlowplugError OUTPUT_TOO_LARGE
 */
export function withinLimit<T>(result: T, bodyBytes: number, maxBytes = MAX_RESULT_BYTES): T {
  // In JSON a byte may become six characters (\u0000): counting exactly costs a second serialisation, so only near the limit.
  if (bodyBytes * 6 + HEAD_BYTES < maxBytes) return result;
  const bytes = Buffer.byteLength(JSON.stringify(result));
  if (bytes <= maxBytes) return result;
  throw new GlowplugError('OUTPUT_TOO_LARGE', `expected an answer of at most ${maxBytes} bytes of JSON, got ${bytes}`);
}

/** What Lambda itself takes for text; a string body of another type is base64 on the way in as well. */
function isText(contentType: string | null): boolean {
  return /^(text\/|application\/([\w.-]+\+)?(json|xml|javascript)\b)/i.test(contentType ?? '');
}
