// The server: sockets on one side, units that answer web Requests on the other, and what holds for all of them between.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { consoleLog, type Log } from '../core/log.ts';
import { createContext } from '../handler/context.ts';
import { errorResponse } from '../handler/pipeline.ts';
import { Metrics } from '../observe/metrics.ts';
import { keyCheck } from './api-keys.ts';
import { cors } from './cors.ts';
import { type GrpcServer, startGrpc } from './grpc-server.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { listen } from './listen.ts';
import { ownAnswer, pathOf, type ServerState } from './own-answer.ts';
import { PartlyAnswered, type TellPartly } from './partly-answered.ts';
import { refuseMalformed } from './refuse-malformed.ts';
import { RequestMetrics } from './request-metrics.ts';
import { invocation, invocationAnswer } from './sagemaker.ts';
import { sendResponse } from './send-response.ts';
import { checkLength, toRequest } from './to-request.ts';
import { findTarget, type Unit } from './units.ts';
import { warmUp } from './warm-up.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free one; undefined: it listens on none, connections come by `take`. */
  readonly port: number | undefined;
  /** For who holds the connections too. */
  readonly onPartly?: TellPartly;
  /** Where gRPC is answered, 0 for a free one; undefined: it is not. */
  readonly grpcPort?: number | undefined;
  readonly limits?: Partial<Limits>;
  /** None: everybody is answered. */
  readonly apiKeys?: readonly string[];
  /** Origins whose pages may read the answers; `*` is all. */
  readonly cors?: readonly string[];
  readonly sagemaker?: boolean;
  readonly metrics?: Metrics;
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface RunningServer extends AsyncDisposable {
  /** 0 where it listens on none. */
  readonly port: number;
  readonly grpcPort: number | undefined;
  /** Serves a connection that somebody else accepted. */
  take(socket: Socket): void;
  /** Opens every model; from then on the server says that it is ready. Rejects with why a unit cannot be. */
  warm(): Promise<void>;
  /** From now on no new work is taken, and readiness says so. */
  refuse(): void;
  /** Refuses, and resolves when all that was accepted is answered, or cut because `limitMs` have passed; connections by `take` stay open. */
  drain(limitMs: number): Promise<void>;
}

/** @throws GlowplugError CONFIG_INVALID when the port is taken */
export async function startServer(units: readonly Unit[], options: ServerOptions): Promise<RunningServer> {
  const service = new Service(units, options);
  await service.listen();
  return service;
}

/** After an answer that came before its request's end: how long what still comes is read and dropped. */
const LINGER_MS = 2000;

class Service implements RunningServer {
  readonly #units: readonly Unit[];
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #counted: RequestMetrics;
  readonly #checkKey: (headers: IncomingMessage['headers']) => void;
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();
  readonly #partly: PartlyAnswered;
  #grpc: GrpcServer | undefined;
  #idle = Promise.withResolvers<void>();
  #state: ServerState = 'starting';
  #cutting = false;

  constructor(units: readonly Unit[], options: ServerOptions) {
    this.#units = units;
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? consoleLog;
    this.#metrics = options.metrics ?? new Metrics();
    this.#counted = new RequestMetrics(this.#metrics, units, () => this.#open.size + (this.#grpc?.calls ?? 0));
    this.#partly = new PartlyAnswered(options.onPartly);
    this.#checkKey = keyCheck(options.apiKeys ?? []);
    const { headerBytes, headersMs, receiveMs, idleMs, connections } = this.#limits;
    this.#server = createServer({
      maxHeaderSize: headerBytes,
      headersTimeout: headersMs,
      requestTimeout: receiveMs,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: Math.max(20, Math.min(1000, headersMs / 4)),
      noDelay: true,
    });
    this.#server.maxConnections = connections;
    this.#server.on('request', (message, out) => void this.#handle(message, out));
    // The length is checked before the client is told to go on.
    this.#server.on('checkContinue', (message, out) => void this.#handle(message, out, () => out.writeContinue()));
    this.#server.on('clientError', refuseMalformed);
  }

  get grpcPort(): number | undefined {
    return this.#grpc?.port;
  }

  get port(): number {
    // An HTTP server that listens on a port has an address of this kind.
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  take(socket: Socket): void {
    socket.allowHalfOpen = true;
    this.#server.emit('connection', socket);
  }

  async listen(): Promise<void> {
    const { port, grpcPort, host } = this.#options;
    if (port !== undefined) await listen(this.#server, host, port);
    // From this event on Node watches over the times that connections may take.
    else this.#server.emit('listening');
    if (grpcPort === undefined) return;
    this.#grpc = await startGrpc(this.#units, {
      host,
      port: grpcPort,
      limits: this.#limits,
      log: this.#log,
      checkKey: this.#checkKey,
      state: () => this.#state,
      answered: (unit, answered) => this.#counted.answered(unit, answered),
    });
  }

  async warm(): Promise<void> {
    await Promise.all(this.#units.map((unit) => warmUp(unit)));
    if (this.#state === 'starting') this.#state = 'ready';
  }

  refuse(): void {
    this.#state = 'refusing';
    for (const out of this.#open) if (!out.headersSent) out.setHeader('connection', 'close');
  }

  async drain(limitMs: number): Promise<void> {
    this.refuse();
    const late = new AbortController();
    const limit = this.#clock.sleep(limitMs, late.signal).catch(() => {});
    const calls = this.#grpc?.drain(limit);
    if (this.#open.size > 0) await Promise.race([this.#idle.promise, limit]);
    if (this.#open.size > 0)
      this.#log.error('the drain limit has passed: requests are cut', { requests: this.#open.size });
    this.#cutting = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    // Who handed a connection here answers who still waits on it.
    if (this.#options.port !== undefined) this.#server.closeAllConnections();
    await Promise.all([closed, calls]);
    late.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#cutting) await this.drain(0);
  }

  async #handle(message: IncomingMessage, out: ServerResponse, goOn = () => {}): Promise<void> {
    const started = this.#clock.now();
    const given = message.headers['x-request-id'];
    const requestId = typeof given === 'string' && /^[\w.:=/+-]{1,128}$/.test(given) ? given : randomUUID();
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(late(this.#limits.answerMs)), this.#limits.answerMs);
    this.#open.add(out);
    this.#partly.came(message, out);
    let unit: Unit | undefined;
    out.once('close', () => {
      this.#open.delete(out);
      clearTimeout(timer);
      // After a whole answer nobody listens, and making the reason costs more than the rest of this.
      if (!out.writableFinished) this.#gone(over, requestId, this.#clock.now() - started);
      if (unit)
        this.#counted.answered(unit, {
          path: message.url ?? '',
          status: out.writableFinished ? out.statusCode : 'gone',
          ms: this.#clock.now() - started,
        });
      if (this.#open.size === 0) {
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      }
    });
    out.setHeader('x-request-id', requestId);
    if (this.#state === 'refusing') out.setHeader('connection', 'close');
    const context = createContext({ requestId, log: this.#log });
    try {
      let response: Response;
      try {
        if (cors(this.#options.cors ?? [], message, out)) return;
        response =
          ownAnswer(message, this.#asked) ??
          (await this.#ask(message, requestId, over.signal, goOn, (found) => {
            unit = found;
          }));
      } catch (error) {
        if (out.destroyed) return;
        response = errorResponse(error, context).toResponse();
      }
      await this.#send(response, message, out);
    } catch (error) {
      context.log.error('the answer broke off', { error: String(error) });
      out.destroy();
    }
  }

  /** A connection that ended before its answer: by the client, unless we are cutting what is left. */
  #gone(over: AbortController, requestId: string, ms: number): void {
    over.abort(new GlowplugError('CLIENT_GONE', 'the client left before its answer'));
    if (this.#cutting) return;
    this.#log.info('the client left before its answer', { requestId, code: 'CLIENT_GONE', ms: Math.round(ms) });
  }

  get #asked() {
    const [metrics, checkKey] = [this.#metrics, this.#checkKey];
    const { sagemaker = false } = this.#options;
    return { state: this.#state, metrics, checkKey, sagemaker, several: this.#units.length > 1 };
  }

  async #ask(
    message: IncomingMessage,
    requestId: string,
    signal: AbortSignal,
    goOn: () => void,
    found: (unit: Unit) => void,
  ): Promise<Response> {
    this.#checkKey(message.headers);
    if (this.#state === 'refusing') {
      throw new GlowplugError('SERVER_BUSY', 'the server is shutting down', { headers: { 'retry-after': '1' } });
    }
    const invoked = this.#options.sagemaker && pathOf(message) === '/invocations';
    const { path, changes } = invoked
      ? invocation(this.#units, message.headers)
      : { path: message.url ?? '/', changes: {} };
    const target = findTarget(this.#units, path);
    found(target.unit);
    checkLength(message, this.#limits.bodyBytes);
    goOn();
    const request = await toRequest(message, target.path, this.#limits.bodyBytes, changes);
    const response = await target.unit.handler.fetch(request, { signal, requestId });
    return invoked ? invocationAnswer(response) : response;
  }

  async #send(response: Response, message: IncomingMessage, out: ServerResponse): Promise<void> {
    // A client that reads nothing for as long as an answer may take is gone.
    out.setTimeout(this.#limits.answerMs, () => out.destroy());
    const onPartly = () => this.#partly.begins(message, out);
    const options = { acceptEncoding: String(message.headers['accept-encoding'] ?? ''), onPartly };
    if (message.complete || !hasBody(message)) return await sendResponse(response, out, options);
    // Closing a socket that still receives resets it, and the client may lose the answer.
    out.setHeader('connection', 'close');
    const beforeEnd = async () => {
      const arrived = new AbortController();
      message.once('close', () => arrived.abort());
      message.resume();
      await this.#clock.sleep(LINGER_MS, arrived.signal).catch(() => {});
    };
    await sendResponse(response, out, { ...options, beforeEnd });
  }
}

function late(ms: number): GlowplugError {
  return new GlowplugError('DEADLINE', `expected an answer within ${ms} ms, it was not ready`);
}

/** `complete` of a request without a body is only set after its handler was called. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
