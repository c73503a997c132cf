// Accepts the connections, hands each to the serving process, and keeps it open beside it: who waits when that process dies is answered.
import type { ChildProcess } from 'node:child_process';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { catalogue } from '../core/error-catalogue.ts';
import { listen } from './listen.ts';
import { type RawAnswer, rawAnswer } from './raw-answer.ts';
import type { FromServing, ToServing } from './serving-messages.ts';

interface Kept {
  readonly socket: Socket;
  /** An answer has begun and the kernel does not have all of it: another one written behind it would be taken for its end. */
  partly: boolean;
}

/** For what a client still sends while it is refused: a socket that closes over unread bytes resets, and the answer is lost. */
const LINGER_MS = 1000;

export class Acceptor {
  /** Never read here, so that every byte is the serving process's. */
  readonly #server: Server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) =>
    this.#accept(socket),
  );
  readonly #kept = new Map<number, Kept>();
  readonly #leaving = new Set<Socket>();
  #serving: ChildProcess | undefined;
  #onHanded = () => {};
  #accepted = 0;

  constructor(connections: number) {
    this.#server.maxConnections = connections;
  }

  get port(): number {
    // A server that listens on a port has an address of this kind.
    return (this.#server.address() as AddressInfo).port;
  }

  /** @throws GlowplugError CONFIG_INVALID when the port is taken */
  async listen(host: string, port: number): Promise<void> {
    await listen(this.#server, host, port);
  }

  /** From now on connections are `serving`'s, until `lost`. @param onHanded it took one, for which the next one waits */
  handTo(serving: ChildProcess, onHanded: () => void): void {
    this.#serving = serving;
    this.#onHanded = onHanded;
  }

  /** What the serving process says of its connections. */
  hear({ id, state }: FromServing & { kind: 'connection' }): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    kept.partly = state === 'partly answered';
    if (state !== 'closed') return;
    this.#kept.delete(id);
    kept.socket.destroy();
  }

  /** The serving process is gone, as it was told to or not: whoever waits is answered, and so is who comes before the next one. */
  lost(how: 'it died' | 'it drained'): void {
    this.#serving = undefined;
    for (const { socket, partly } of this.#kept.values()) {
      if (partly) socket.destroy();
      else this.#refuse(socket, how === 'it died' ? lost : absent);
    }
    this.#kept.clear();
  }

  /** Resolves when all who were refused have their answer, or do not take it. */
  async close(): Promise<void> {
    this.#server.close();
    this.lost('it drained');
    await Promise.all(
      [...this.#leaving].map(async (socket) => await new Promise((gone) => socket.once('close', gone))),
    );
  }

  #accept(socket: Socket): void {
    // A reset is the serving process's to see; here it only ends what is kept.
    socket.on('error', () => {});
    if (this.#serving?.connected) {
      const id = this.#accepted++;
      this.#kept.set(id, { socket, partly: false });
      this.#serving.send({ kind: 'connection', id } satisfies ToServing, socket, { keepOpen: true }, this.#onHanded);
    } else this.#refuse(socket, absent);
  }

  #refuse(socket: Socket, answer: RawAnswer): void {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    this.#leaving.add(socket);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#leaving.delete(socket);
    });
    socket.once('end', () => socket.destroy());
    socket.end(rawAnswer(answer));
    socket.resume();
  }
}

/** For who waited: it may be this very request that the process died of. */
const lost: RawAnswer = { status: 503, code: 'SESSION_LOST', error: catalogue.SESSION_LOST.meaning };

const absent: RawAnswer = {
  status: 503,
  code: 'SERVER_BUSY',
  error: catalogue.SERVER_BUSY.meaning,
  headers: { 'retry-after': '1' },
};
