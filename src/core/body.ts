// A request's body, whole and decompressed, within a limit that holds before the bytes are kept.
import { GlowplugError } from './errors.ts';
import type { HttpRequest } from './light-http.ts';

/** A body past this is refused before it is parsed: Lambda's own limit is 6 MB. */
export const MAX_BODY_BYTES = 6 * 1024 * 1024;

/** @throws GlowplugError INPUT_EMPTY, INPUT_ENCODING, INPUT_TOO_LARGE */
export async function readBody(request: HttpRequest, maxBytes = MAX_BODY_BYTES): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding');
  const sent = await readSent(request, maxBytes);
  const bytes = encoding === null || sent.byteLength === 0 ? sent : await inflate(sent, encoding, maxBytes);
  if (bytes.byteLength === 0) throw new GlowplugError('INPUT_EMPTY', 'expected a body, got none');
  return bytes;
}

/** Few bodies are compressed: what inflates is loaded by the first that is. */
async function inflate(sent: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const inflating = await import('./inflate.ts');
  return await inflating.inflate(sent, encoding, maxBytes);
}

/** @throws GlowplugError INPUT_EMPTY, INPUT_ENCODING, INPUT_TOO_LARGE, INPUT_JSON (bytes that are not UTF-8) */
export async function readText(request: HttpRequest, maxBytes = MAX_BODY_BYTES): Promise<string> {
  return decodeText(await readBody(request, maxBytes));
}

/** @throws GlowplugError INPUT_JSON for bytes that are not UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new GlowplugError('INPUT_JSON', 'expected UTF-8 text, got bytes that are not');
  }
}

async function readSent(request: HttpRequest, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes, `${announced} bytes`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge(maxBytes, `more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function tooLarge(maxBytes: number, came: string): GlowplugError {
  return new GlowplugError('INPUT_TOO_LARGE', `expected a body of at most ${maxBytes} bytes (maxBytes), got ${came}`);
}
