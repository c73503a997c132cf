// gRPC beside HTTP: the same units, limits, keys and drain, on a port of its own. grpc-js is loaded when a port is asked for.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as Grpc from '@grpc/grpc-js';
import { catalogue } from '../core/error-catalogue.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { propagationFields } from '../observe/open-telemetry.ts';
import { askerOf, functionHeader } from './grpc-asker.ts';
import { type Asker, check, inferenceService, methods, open } from './grpc-methods.ts';
import { statusOf } from './grpc-status.ts';
import type { Limits } from './limits.ts';
import { listen } from './listen.ts';
import type { ServerState } from './own-answer.ts';
import type { Answered } from './request-metrics.ts';
import type { Unit } from './units.ts';

export interface GrpcOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: Limits;
  readonly log: Log;
  readonly checkKey: (headers: IncomingHttpHeaders) => void;
  readonly state: () => ServerState;
  readonly answered: (unit: Unit, answered: Answered) => void;
}

export interface GrpcServer {
  readonly port: number;
  /** Without an answer yet. */
  readonly calls: number;
  /** Resolves when every call is answered, or cut because `limit` came first. */
  drain(limit: Promise<void>): Promise<void>;
}

type Call = Grpc.ServerUnaryCall<Uint8Array, Uint8Array>;
type Method = (message: Uint8Array, asker: Asker) => Promise<Uint8Array>;

/** Calls of one connection at once: what HTTP/2 itself proposes as the least is 100. */
const CALLS_A_CONNECTION = 1024;
/** A connection whose other end is gone is found out by its silence to a ping. */
const [PING_MS, PONG_MS] = [60_000, 20_000];
/** A client gives up by its own clock, which began before ours. */
const DEADLINE_SLACK_MS = 50;
/** For the last answers to leave after the last call ended. */
const LAST_WORDS_MS = 1000;

/** @throws GlowplugError DEPENDENCY_MISSING, CONFIG_INVALID when the port is taken */
export async function startGrpc(units: readonly Unit[], options: GrpcOptions): Promise<GrpcServer> {
  const grpc = await load();
  const { limits, host, port } = options;
  const server = new grpc.Server({
    'grpc.max_receive_message_length': limits.bodyBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': CALLS_A_CONNECTION,
    'grpc.max_connection_idle_ms': limits.idleMs,
    'grpc.keepalive_time_ms': PING_MS,
    'grpc.keepalive_timeout_ms': PONG_MS,
  });
  const asker = askerOf(units);
  const calls = new Set<Call>();
  let idle = Promise.withResolvers<void>();
  const handle = (name: string, method: Method) => (call: Call, callback: Grpc.sendUnaryData<Uint8Array>) => {
    calls.add(call);
    void answer(name, method, call, asker, options).then((answered) => {
      if (answered instanceof Uint8Array) callback(null, answered);
      else callback(refusal(grpc, answered));
      calls.delete(call);
      if (calls.size > 0) return;
      idle.resolve();
      idle = Promise.withResolvers();
    });
  };
  addService(server, inferenceService, methods, handle);
  addService(server, 'grpc.health.v1.Health', { Check: check }, handle);
  // Connections come in through a listener of our own: grpc-js does not count them.
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)).on('error', () => {}));
    injector.injectConnection(socket);
  });
  listener.maxConnections = limits.connections;
  await listen(listener, host, port, '--grpc-port');
  return {
    // A server that listens on a port has an address of this kind.
    port: (listener.address() as AddressInfo).port,
    get calls() {
      return calls.size;
    },
    async drain(limit) {
      listener.close();
      if (calls.size > 0) await Promise.race([idle.promise, limit]);
      if (calls.size > 0) {
        options.log.error('the drain limit has passed: calls are cut', { calls: calls.size });
        return cut();
      }
      // Each connection closes when its last answer has left.
      injector.drain(LAST_WORDS_MS);
      const closed = Promise.all([...sockets].map((socket) => once(socket, 'close')));
      await Promise.race([closed, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
      cut();
    },
  };

  function cut(): void {
    server.forceShutdown();
    for (const socket of sockets) socket.destroy();
  }
}

async function load(): Promise<typeof Grpc> {
  try {
    return await import('@grpc/grpc-js');
  } catch (cause) {
    throw new GlowplugError('DEPENDENCY_MISSING', 'expected the package @grpc/grpc-js, found none that loads', {
      cause,
      remedy: 'npm i @grpc/grpc-js, or leave --grpc-port out.',
    });
  }
}

function addService(
  server: Grpc.Server,
  service: string,
  named: Readonly<Record<string, Method>>,
  handle: (name: string, method: Method) => Grpc.handleUnaryCall<Uint8Array, Uint8Array>,
): void {
  const definition = Object.keys(named).map((name) => [name, unary(`/${service}/${name}`)] as const);
  const handlers = Object.entries(named).map(([name, method]) => [name, handle(name, method)] as const);
  server.addService(Object.fromEntries(definition), Object.fromEntries(handlers));
}

/** Bytes both ways: what is wrong with a message is said with our own words and status. */
function unary(path: string): Grpc.MethodDefinition<Uint8Array, Uint8Array> {
  const bytes = (message: Uint8Array) => Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

/** What the call is answered with, or why it is not. Never rejects. */
async function answer(
  name: string,
  method: Method,
  call: Call,
  asker: ReturnType<typeof askerOf>,
  options: GrpcOptions,
): Promise<Uint8Array | GlowplugError> {
  const over = new AbortController();
  const { limits, log } = options;
  const requestId = header(call, 'x-request-id') ?? randomUUID();
  const deadline = Number(call.getDeadline());
  const late = () => over.abort(new GlowplugError('DEADLINE', 'the answer was not ready within the deadline'));
  const timer = setTimeout(late, limits.answerMs);
  const gone = () => {
    if (Date.now() >= deadline - DEADLINE_SLACK_MS) return late();
    over.abort(new GlowplugError('CLIENT_GONE', 'the client left before its answer'));
    log.info('the client left before its answer', { requestId, code: 'CLIENT_GONE' });
  };
  call.on('cancelled', gone);
  const state = options.state();
  try {
    if (!open.includes(name)) {
      const names = { authorization: header(call, 'authorization'), 'x-api-key': header(call, 'x-api-key') };
      options.checkKey(names);
      if (state === 'refusing') throw new GlowplugError('SERVER_BUSY', 'the server is shutting down');
    }
    const named = header(call, functionHeader);
    const asking = { requestId, signal: over.signal, named, traced: tracedBy(call), answered: options.answered };
    return await method(call.request, { ...asker(asking), ready: state === 'ready', maxBytes: limits.bodyBytes });
  } catch (error) {
    if (error instanceof GlowplugError) return error;
    log.error('a fault in a gRPC call', { requestId, method: name, error: String(error) });
    return new GlowplugError('INTERNAL', catalogue.INTERNAL.meaning, { cause: error });
  } finally {
    clearTimeout(timer);
    // grpc-js says it of every call that ends, of those that are answered too.
    call.off('cancelled', gone);
  }
}

function tracedBy(call: Call): Record<string, string> {
  const found = propagationFields().map((name) => [name, header(call, name)] as const);
  return Object.fromEntries(found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function header(call: Call, name: string): string | undefined {
  const [value] = call.metadata.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** The message and what to do; the code, and when to try again, beside it. */
function refusal(grpc: typeof Grpc, error: GlowplugError): Partial<Grpc.StatusObject> {
  const metadata = new grpc.Metadata();
  metadata.set('glowplug-code', error.code);
  for (const [name, value] of Object.entries(error.headers)) metadata.set(name, value);
  return { code: statusOf(error), details: `${error.message}. ${error.remedy}`, metadata };
}
