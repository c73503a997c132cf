// A web Response onto Node's: in one piece where it is one, else as it comes and as fast as the client reads.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

type Read = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>;

const compress = promisify(gzip);
/** Below this a compressed answer saves no packet worth the time. */
const GZIP_BYTES = 8 * 1024;
/** So many bytes fit into the buffer of a socket that has nothing else to send: the kernel takes all of them or none. */
const WHOLE_BYTES = 8 * 1024;

interface SendOptions {
  readonly acceptEncoding?: string | undefined;
  /** When the kernel may get a part of the answer and not the rest, before its first byte where that is foreseen. */
  readonly onPartly?: () => void;
  /** Between the last byte of an answer in one piece and its end. */
  readonly beforeEnd?: () => Promise<void>;
}

/** Resolves when the answer is sent or the client is gone; rejects when the body fails on the way. */
export async function sendResponse(response: Response, out: ServerResponse, options: SendOptions = {}): Promise<void> {
  if (out.destroyed) return await response.body?.cancel();
  writeHead(response, out);
  const reader = response.body?.getReader();
  if (!reader || out.req.method === 'HEAD') {
    await reader?.cancel();
    out.end();
    return;
  }
  const first = await reader.read();
  const rest = first.done ? undefined : reader.read();
  if (first.done || (rest && (await settledNow(rest))?.done)) {
    const body = first.value ?? new Uint8Array();
    const packed = worthPacking(response, body, options.acceptEncoding) ? await pack(body, out) : body;
    out.setHeader('content-length', packed.byteLength);
    const large = packed.byteLength > WHOLE_BYTES;
    if (large) options.onPartly?.();
    if (options.beforeEnd) {
      out.write(packed);
      await options.beforeEnd();
      out.end();
    } else out.end(packed);
    // Behind an answer that the client has not read yet, it may not fit.
    if (!large && out.socket?.writableLength) options.onPartly?.();
    return;
  }
  options.onPartly?.();
  await stream(first.value, rest, reader, out);
}

function writeHead(response: Response, out: ServerResponse): void {
  out.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') out.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) out.setHeader('set-cookie', cookies);
}

/** The value when it is there within this turn of the event loop: a body that was made from a string or an array. */
async function settledNow<T>(promise: Promise<T>): Promise<T | undefined> {
  return await Promise.race([promise, new Promise<undefined>((later) => setImmediate(later, undefined))]);
}

async function stream(
  first: Uint8Array,
  rest: Promise<Read> | undefined,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  out: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  out.once('close', () => gone.abort());
  try {
    let next = rest;
    for (let chunk: Uint8Array | undefined = first; chunk; ) {
      if (!out.write(chunk)) await once(out, 'drain', { signal: gone.signal });
      const { value }: Read = await (next ?? reader.read());
      next = undefined;
      chunk = value;
      if (gone.signal.aborted) break;
    }
    out.end();
  } catch (error) {
    if (!gone.signal.aborted) {
      // The status is gone: a cut connection is the only way left to say that this is not all.
      out.destroy();
      throw error;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function worthPacking(response: Response, body: Uint8Array, acceptEncoding = ''): boolean {
  return (
    body.byteLength >= GZIP_BYTES &&
    /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(acceptEncoding) &&
    !response.headers.has('content-encoding') &&
    /^(text\/|application\/([\w.-]+\+)?json\b)/i.test(response.headers.get('content-type') ?? '')
  );
}

/** On libuv's threads, at the level that costs least: floats as text hardly shrink further. */
async function pack(body: Uint8Array, out: ServerResponse): Promise<Uint8Array> {
  const packed = await compress(body, { level: constants.Z_BEST_SPEED });
  out.setHeader('content-encoding', 'gzip');
  out.appendHeader('vary', 'accept-encoding');
  return packed;
}
