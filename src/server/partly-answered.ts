// Which connections have a part of an answer and not yet the rest of it: whoever else holds them must not write there then.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export type TellPartly = (socket: Socket, partly: boolean) => void;

export class PartlyAnswered {
  readonly #tell: TellPartly;
  /** Connections whose client did not wait for an answer before it asked again: how far they are, nobody can say. */
  readonly #piped = new WeakSet<Socket>();

  constructor(tell: TellPartly = () => {}) {
    this.#tell = tell;
  }

  /** A request came. An answer gets its socket when the one before it is written: without one, another is ahead. */
  came({ socket }: IncomingMessage, out: ServerResponse): void {
    if (out.socket || this.#piped.has(socket)) return;
    this.#piped.add(socket);
    this.#tell(socket, true);
  }

  /** The kernel may get a part of its answer now. */
  begins({ socket }: IncomingMessage, out: ServerResponse): void {
    this.#tell(socket, true);
    out.once('finish', () => this.#tell(socket, this.#piped.has(socket)));
  }
}
