// Node's incoming message as a web Request; its body comes as fast as it is read, and ends at the limit.
import type { IncomingMessage } from 'node:http';
import { GlowplugError } from '../core/errors.ts';

/** Below this a body is kept whole before the request is made: a stream costs more than these bytes. */
const SMALL_BYTES = 64 * 1024;

/** @throws GlowplugError INPUT_TOO_LARGE, METHOD_NOT_ALLOWED, NOT_FOUND; rejects when the client goes */
export async function toRequest(
  message: IncomingMessage,
  path: string,
  maxBytes: number,
  changes: Readonly<Record<string, string>> = {},
): Promise<Request> {
  const { method = 'GET' } = message;
  const headers = headersOf(message, changes);
  const url = `http://${hostOf(message)}${path}`;
  if (!methods.has(method)) throw new GlowplugError('METHOD_NOT_ALLOWED', `expected GET or POST, got ${method}`);
  if (!path.startsWith('/') || !URL.canParse(url))
    throw new GlowplugError('NOT_FOUND', 'expected a path that begins with /, got none');
  if (method === 'GET' || method === 'HEAD') {
    message.resume();
    return new Request(url, { method, headers });
  }
  checkLength(message, maxBytes);
  const announced = Number(message.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (announced <= SMALL_BYTES) return new Request(url, { method, headers, body: await whole(message) });
  return new Request(url, { method, headers, body: streamOf(message, maxBytes), duplex: 'half' });
}

/** From what the client announces, before a byte of the body is read. @throws GlowplugError INPUT_TOO_LARGE */
export function checkLength(message: IncomingMessage, maxBytes: number): void {
  const announced = Number(message.headers['content-length'] ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes, `${announced}`);
}

/** `new Request` refuses CONNECT, TRACE and TRACK; nobody here answers the rest of HTTP's registry. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function headersOf(message: IncomingMessage, changes: Readonly<Record<string, string>>): [string, string][] {
  const all = Object.entries({ ...message.headers, ...changes });
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]));
}

function hostOf({ headers: { host } }: IncomingMessage): string {
  return host !== undefined && /^[\w.-]+(:\d{1,5})?$|^\[[\da-fA-F:.]+\](:\d{1,5})?$/.test(host) ? host : 'localhost';
}

async function whole(message: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer<ArrayBuffer>[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function streamOf(message: IncomingMessage, maxBytes: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let length = 0;
  let open = true;
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        const end = (finish: () => void) => {
          if (!open) return;
          open = false;
          finish();
          // What still comes is dropped, so that the answer can be read.
          message.resume();
        };
        message.on('data', (chunk: Buffer<ArrayBuffer>) => {
          if (!open) return;
          length += chunk.byteLength;
          if (length > maxBytes) return end(() => controller.error(tooLarge(maxBytes, `more than ${maxBytes}`)));
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) message.pause();
        });
        message.on('end', () => end(() => controller.close()));
        message.on('error', (error) => end(() => controller.error(error)));
        message.pause();
      },
      pull() {
        message.resume();
      },
      cancel() {
        open = false;
        message.resume();
      },
    },
    { highWaterMark: SMALL_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
  );
}

function tooLarge(maxBytes: number, came: string): GlowplugError {
  return new GlowplugError('INPUT_TOO_LARGE', `expected a body of at most ${maxBytes} bytes, got ${came}`);
}
