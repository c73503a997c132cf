// A GET of a range on a socket of its own. It may be sent before anybody takes its answer: a bundle asks for the bytes of its
// models in its first millisecond, long before the code that lands them is loaded. What comes meanwhile waits in the kernel.
import type { Socket } from 'node:net';
import type { Range } from './store.ts';

export class RangeRequest {
  readonly socket: Socket;
  /** Resolves when it is with the network, or will never be. */
  readonly sent: Promise<void>;
  readonly #inbox: Inbox;

  constructor(socket: Socket, sent: Promise<void>, inbox: Inbox) {
    this.socket = socket;
    this.sent = sent;
    this.#inbox = inbox;
  }

  /** From here on `take` is handed what comes: bytes that are good until it returns. */
  take(take: (bytes: Uint8Array) => void): void {
    this.#inbox.take(take);
    this.socket.resume();
  }
}

/** Undefined for what no header may hold: node:http says so. */
export async function sendRange(
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<RangeRequest | undefined> {
  if (Object.values(headers).some((value) => /[^\t\x20-\x7e]/.test(value))) return undefined;
  const secure = url.protocol === 'https:';
  const inbox = new Inbox();
  const socket = await connectTo(url, secure, inbox);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    socket.write(`GET ${url.pathname} HTTP/1.1\r\n${lines.join('')}connection: close\r\n\r\n`, () => resolve());
  });
  socket.once('close', () => resolve());
  return new RangeRequest(socket, sent, inbox);
}

async function connectTo(url: URL, secure: boolean, inbox: Inbox): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const onread = { buffer: inbox.buffer, callback: (count: number) => inbox.put(count) };
  const options = { host, port: Number(url.port || (secure ? 443 : 80)), onread };
  if (!secure) return (await import('node:net')).connect(options);
  return (await import('node:tls')).connect({ ...options, servername: host });
}

const bufferBytes = 256 * 1024;

/** What the socket reads into, again and again; nothing more is read while nobody takes what is there. */
class Inbox {
  readonly buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #waiting = 0;
  #take: ((bytes: Uint8Array) => void) | undefined;

  /** Whether more may come. */
  put(count: number): boolean {
    if (this.#take) this.#take(this.buffer.subarray(0, count));
    else this.#waiting = count;
    return this.#take !== undefined;
  }

  take(take: (bytes: Uint8Array) => void): void {
    this.#take = take;
    const waiting = this.#waiting;
    this.#waiting = 0;
    if (waiting > 0) take(this.buffer.subarray(0, waiting));
  }
}

/** State of the environment: requests whose answers nobody takes yet. */
const asked = new Map<string, Promise<RangeRequest | undefined>>();
/** What nobody has taken by then, nobody will. */
const untakenMs = 3000;

/** Asks for a range that somebody will soon want. Resolves when the request is with the network, or will never be; never rejects. */
export async function askAhead(url: URL, range: Range, headers: Readonly<Record<string, string>>): Promise<void> {
  const key = keyOf(url, range);
  if (asked.has(key)) return;
  const asking = sendRange(url, headers);
  asked.set(key, asking);
  const request = await asking;
  // Whoever wants the range then asks anew, and hears what is wrong.
  const forget = () => {
    if (asked.get(key) === asking) asked.delete(key);
  };
  if (!request) return forget();
  const { socket } = request;
  socket.on('error', forget);
  socket.once('close', forget);
  socket.setTimeout(untakenMs, () => {
    if (asked.get(key) === asking) socket.destroy();
  });
  await request.sent;
}

/** What was asked for ahead is taken once. */
export async function takeAsked(url: URL, range: Range): Promise<RangeRequest | undefined> {
  const key = keyOf(url, range);
  const asking = asked.get(key);
  asked.delete(key);
  return await asking;
}

/** Of what was asked for nothing will be taken. */
export async function forgetAsked(): Promise<void> {
  for (const asking of asked.values()) (await asking)?.socket.destroy();
}

function keyOf({ href }: URL, [first, last]: Range): string {
  return `${href} ${first}-${last}`;
}
