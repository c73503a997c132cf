// AWS's Lambda Runtime API (2018-06-01) for one environment: the runtime client inside asks, posts, and is told.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readLimited } from '../read-limited.ts';
import { isStreamed, type ResponseStream, readResponseStream, streamLimit } from './response-stream.ts';

/** Bytes of a buffered response: 6 MB and what AWS grants on top, as its error message says. */
export const responseLimit = 6_291_556;

export interface RuntimeEvent {
  readonly requestId: string;
  readonly payload: Uint8Array;
  readonly deadline: number;
  readonly functionArn: string;
  readonly traceId: string;
  readonly clientContext: string | undefined;
  /** The caller takes a streamed response as it comes. */
  readonly streams?: boolean | undefined;
}

export interface RuntimeListener {
  /** The runtime, or one of its workers, waits for an event: its init, or its last invocation, is over. */
  onNext(): void;
  onResponse(requestId: string, payload: Uint8Array): void;
  /** `payload` is the JSON that the runtime made of the error. */
  onStream(requestId: string, stream: ResponseStream): void;
  onError(requestId: string, payload: Uint8Array): void;
  onTooLarge(requestId: string): void;
  onInitError(payload: Uint8Array): void;
}

export class RuntimeApi implements AsyncDisposable {
  readonly #server: Server;
  readonly #listener: RuntimeListener;
  /** The unanswered `/next`: one, or one of each worker. */
  readonly #waiting = new Set<ServerResponse>();
  /** Events that came while every worker was busy taking one. */
  readonly #events: RuntimeEvent[] = [];
  /** The invocations that have no response yet. */
  readonly #open = new Map<string, { readonly streams: boolean }>();

  static async open(listener: RuntimeListener): Promise<RuntimeApi> {
    const api = new RuntimeApi(listener);
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  private constructor(listener: RuntimeListener) {
    this.#listener = listener;
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** What AWS_LAMBDA_RUNTIME_API holds. */
  get address(): string {
    return `127.0.0.1:${addressOf(this.#server).port}`;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Answers the pending `/next` that has waited longest, or the first that comes. */
  deliver(event: RuntimeEvent): void {
    const [response] = this.#waiting;
    if (!response) return void this.#events.push(event);
    this.#waiting.delete(response);
    this.#open.set(event.requestId, { streams: event.streams ?? false });
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': event.payload.byteLength,
      'Lambda-Runtime-Aws-Request-Id': event.requestId,
      'Lambda-Runtime-Deadline-Ms': event.deadline,
      'Lambda-Runtime-Invoked-Function-Arn': event.functionArn,
      'Lambda-Runtime-Trace-Id': event.traceId,
      ...(event.clientContext === undefined ? {} : { 'Lambda-Runtime-Client-Context': event.clientContext }),
    });
    response.end(event.payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = /^\/2018-06-01\/runtime\/(.*)$/.exec(request.url ?? '')?.[1];
    if (request.method === 'GET' && path === 'invocation/next') {
      this.#waiting.add(response);
      response.on('close', () => this.#waiting.delete(response));
      const event = this.#events.shift();
      if (event) this.deliver(event);
      this.#listener.onNext();
      return;
    }
    const [, id, verb] = /^invocation\/([^/]+)\/(response|error)$/.exec(path ?? '') ?? [];
    if (request.method !== 'POST' || (verb === undefined && path !== 'init/error')) {
      refuse(response, 404, 'NotFound', 'No such path of the Runtime API');
      return;
    }
    const open = this.#open.get(id ?? '');
    if (verb === 'response' && id !== undefined && open?.streams && isStreamed(request)) {
      this.#open.delete(id);
      const stream = readResponseStream(request);
      this.#listener.onStream(id, stream);
      if ((await stream.ended).kind !== 'too-large') return accept(response);
      refuse(response, 413, 'RequestEntityTooLarge', tooLarge(streamLimit));
      request.resume();
      return;
    }
    const body = await readLimited(request, responseLimit);
    if (verb === undefined) {
      accept(response);
      this.#listener.onInitError(body ?? Buffer.from('{}'));
    } else if (id === undefined || !this.#open.delete(id)) {
      refuse(response, 400, 'InvalidRequestID', 'Invalid request ID');
    } else {
      if (!body) {
        refuse(response, 413, 'RequestEntityTooLarge', tooLarge(responseLimit));
        this.#listener.onTooLarge(id);
        return;
      }
      accept(response);
      const failed = request.trailers['lambda-runtime-function-error-body'];
      if (verb === 'response' && failed === undefined) this.#listener.onResponse(id, body);
      else this.#listener.onError(id, failed === undefined ? body : Buffer.from(failed, 'base64'));
    }
  }
}

function tooLarge(limit: number): string {
  return `Exceeded maximum allowed payload size (${limit} bytes).`;
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}');
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ errorType, errorMessage }));
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the Runtime API does not listen');
  return address;
}
