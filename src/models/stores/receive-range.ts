// A range of an object over a bare socket, into one buffer that is used again and again. node:http makes a buffer, events
// and promises of every 64 KB: 42 ms of CPU for 11 MB, and this 13 (docs/decisions/cold-start-client.md). It takes the one
// answer that a store in order gives; for any other the caller asks again in the usual way, which knows what it means.
import { sendRange, takeAsked } from './range-request.ts';
import type { Range } from './store.ts';

export interface WantedRange {
  readonly url: URL;
  /** Those of the request, `host` included; not asked for where the range was asked for ahead. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** First and last byte. */
  readonly range: Range;
  /** Bytes of the whole object. */
  readonly size: number;
  readonly signal: AbortSignal;
  /** Longest silence, in ms. */
  readonly silenceMs: number;
  /** Called when the request is with the network. */
  onSent(): void;
  /** The next bytes, which are good until it returns. False: no more are wanted. */
  land(bytes: Uint8Array): boolean;
  /** What a connection that breaks within the bytes is called. */
  broken(cause: unknown): Error;
}

/**
 * True when all that was wanted has landed, false when nothing has and the answer is another than the one expected.
 * Rejects when the connection breaks within the bytes, with the signal's reason, and with what `land` throws.
 */
export async function receiveRange(wanted: WantedRange): Promise<boolean> {
  const { url, range, headers, signal, silenceMs, onSent, broken } = wanted;
  const request = (await takeAsked(url, range)) ?? (await sendRange(url, await headers()));
  if (!request) return false;
  const { socket, sent } = request;
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const left = () => reject(signal.reason);
  if (signal.aborted) left();
  signal.addEventListener('abort', left, { once: true });
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`nothing came for ${silenceMs} ms`)));
  void sent.then(onSent);
  const answer = new Answer(wanted);
  const ended = (cause: unknown) => (answer.hasBegun ? reject(broken(cause)) : resolve(false));
  // Every error, not the first alone: a connection may fail again after it was given up.
  socket.on('error', ended);
  socket.once('close', () => ended(new Error('the connection was closed')));
  request.take((bytes) => {
    try {
      const whole = answer.take(bytes);
      if (whole !== undefined) resolve(whole);
    } catch (error) {
      reject(error);
    }
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', left);
    socket.destroy();
  }
}

/** Of an answer's head: S3's has 400 bytes. */
const headBytes = 16 * 1024;

class Answer {
  readonly #wanted: WantedRange;
  /** Undefined once it was read. */
  #head: Buffer | undefined = Buffer.alloc(0);
  #left: number;

  constructor(wanted: WantedRange) {
    this.#wanted = wanted;
    const [first, last] = wanted.range;
    this.#left = last - first + 1;
  }

  get hasBegun(): boolean {
    return this.#head === undefined;
  }

  /** How it ended, when it did. */
  take(bytes: Uint8Array): boolean | undefined {
    if (!this.#head) return this.#land(bytes);
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf('\r\n\r\n');
    if ((end === -1 ? this.#head.length : end) > headBytes) return false;
    if (end === -1) return undefined;
    if (!isExpected(this.#head.toString('latin1', 0, end), this.#wanted)) return false;
    const body = this.#head.subarray(end + 4);
    this.#head = undefined;
    return body.length > 0 ? this.#land(body) : undefined;
  }

  #land(bytes: Uint8Array): boolean | undefined {
    const piece = bytes.subarray(0, this.#left);
    this.#left -= piece.length;
    const more = this.#wanted.land(piece);
    return more && this.#left > 0 ? undefined : true;
  }
}

/** The range that was asked for, as it is: nothing compressed, nothing in chunks. */
function isExpected(head: string, { range: [first, last], size }: WantedRange): boolean {
  const [status = '', ...lines] = head.split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  return (
    /^HTTP\/1\.1 206(?: |$)/.test(status) &&
    headers.get('content-range') === `bytes ${first}-${last}/${size}` &&
    headers.get('content-length') === `${last - first + 1}` &&
    !headers.has('transfer-encoding') &&
    !headers.has('content-encoding')
  );
}
