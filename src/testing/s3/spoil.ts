// Spoils one request to S3, or its answer, on its way: what networks and S3 itself do to a client.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** One of these; `delayMs` goes with any, or alone. */
export interface Spoil {
  /** S3 refuses with this status. */
  readonly status?: number;
  /** Its error code. @default S3's own for the status: SlowDown for 503, InternalError for 500, AccessDenied for 403 … */
  readonly code?: string;
  /** The connection breaks then. After the request is whole S3 has done what it was for, and nobody hears of it. */
  readonly reset?: 'before the request' | 'in the request' | 'before the answer' | 'in the answer';
  /** Nothing comes any more, and the connection stays. */
  readonly silent?: 'before the answer' | 'in the answer';
  /** The answer is its first half, and says that this is all. */
  readonly short?: boolean;
  /** One bit of the body is another. */
  readonly wrong?: 'in the request' | 'in the answer';
  /** Milliseconds before S3 takes the request. */
  readonly delayMs?: number;
}

/** The listener behind a door that spoils what `plan` says. */
export function spoiling(listener: RequestListener, plan: (message: IncomingMessage) => Spoil | undefined) {
  return (message: IncomingMessage, response: ServerResponse & { req: IncomingMessage }): void => {
    const spoil = plan(message);
    if (spoil) void pass(listener, message, response, spoil);
    else listener(message, response);
  };
}

const codes: Readonly<Record<number, string>> = {
  400: 'InvalidRequest',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  409: 'ConditionalRequestConflict',
  412: 'PreconditionFailed',
  500: 'InternalError',
  503: 'SlowDown',
};

async function pass(
  listener: RequestListener,
  message: IncomingMessage,
  response: ServerResponse & { req: IncomingMessage },
  spoil: Spoil,
): Promise<void> {
  const { status, code, reset, silent, short, wrong, delayMs } = spoil;
  if (delayMs !== undefined) await sleep(delayMs);
  if (reset === 'before the request') return void message.socket.destroy();
  if (silent === 'before the answer') return void message.resume();
  if (status !== undefined) {
    const xml = `<Error><Code>${code ?? codes[status] ?? 'InternalError'}</Code><Message>spoilt</Message></Error>`;
    const refuse = () => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(message.method === 'HEAD' ? undefined : xml);
    };
    // Read to its end, so that the refusal is heard; but a body that waits to be asked for will not come.
    if (message.headers.expect === undefined) message.on('end', refuse).resume();
    else refuse();
    return;
  }
  if (reset === 'in the request' || wrong === 'in the request') spoilBody(message, reset !== undefined);
  if (reset === 'before the answer' || reset === 'in the answer' || silent || short || wrong === 'in the answer') {
    spoilAnswer(message, response, spoil);
  }
  listener(message, response);
}

function spoilBody(message: IncomingMessage, breaks: boolean): void {
  const push = message.push.bind(message);
  message.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk === null || chunk.length === 0) return push(chunk, encoding);
    if (breaks) {
      message.socket.destroy();
      return false;
    }
    flip(chunk, chunk.length >> 1);
    return push(chunk, encoding);
  };
}

/** Holds the answer until it is whole, then sends what the fault leaves of it. */
function spoilAnswer(message: IncomingMessage, response: ServerResponse, { reset, silent, short, wrong }: Spoil): void {
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  const chunks: Uint8Array[] = [];
  Object.assign(response, {
    write(chunk: Uint8Array): boolean {
      chunks.push(Uint8Array.from(chunk));
      return true;
    },
    end(last?: Uint8Array | (() => void), done?: () => void): ServerResponse {
      if (last instanceof Uint8Array) chunks.push(last);
      const body = Buffer.concat(chunks);
      const half = body.subarray(0, body.length >> 1);
      if (reset === 'before the answer') message.socket.destroy();
      else if (reset) write(half, () => message.socket.destroy());
      else if (silent && body.length > 0) write(half);
      else if (short && body.length > 0) response.setHeader('content-length', half.length) && end(half, done);
      else {
        if (wrong && body.length > 0) flip(body, body.length >> 1);
        end(body, done);
      }
      return response;
    },
  });
}

function flip(bytes: Buffer, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}
