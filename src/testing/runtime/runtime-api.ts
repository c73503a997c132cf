// AWS's Lambda Runtime API (2018-06-01) for one environment: the runtime client inside asks, posts, and is told.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readLimited } from '../read-limited.ts';

/** Bytes of a buffered response: 6 MB and what AWS grants on top, as its error message says. */
export const responseLimit = 6_291_556;

export interface RuntimeEvent {
  readonly requestId: string;
  readonly payload: Uint8Array;
  readonly deadline: number;
  readonly functionArn: string;
  readonly traceId: string;
  readonly clientContext: string | undefined;
}

export interface RuntimeListener {
  /** The runtime waits for an event: its init, or its last invocation, is over. */
  onNext(): void;
  onResponse(requestId: string, payload: Uint8Array): void;
  /** `payload` is the JSON that the runtime made of the error. */
  onError(requestId: string, payload: Uint8Array): void;
  onTooLarge(requestId: string): void;
  onInitError(payload: Uint8Array): void;
}

export class RuntimeApi implements AsyncDisposable {
  readonly #server: Server;
  readonly #listener: RuntimeListener;
  /** The unanswered `/next`. */
  #waiting: ServerResponse | undefined;
  /** The invocation that has no response yet. */
  #current: string | undefined;

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
    return this.#waiting !== undefined;
  }

  /** Answers the runtime's pending `/next`. */
  deliver(event: RuntimeEvent): void {
    const response = this.#waiting;
    if (!response) throw new Error('the runtime does not wait for an event');
    this.#waiting = undefined;
    this.#current = event.requestId;
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

  /** Forgets a runtime that has ended; the next one finds the API as new. */
  reset(): void {
    this.#waiting = undefined;
    this.#current = undefined;
    this.#server.closeAllConnections();
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
      this.#waiting = response;
      response.on('close', () => {
        if (this.#waiting === response) this.#waiting = undefined;
      });
      this.#listener.onNext();
      return;
    }
    const [, id, verb] = /^invocation\/([^/]+)\/(response|error)$/.exec(path ?? '') ?? [];
    if (request.method !== 'POST' || (verb === undefined && path !== 'init/error')) {
      refuse(response, 404, 'NotFound', 'No such path of the Runtime API');
      return;
    }
    const body = await readLimited(request, responseLimit);
    if (verb === undefined) {
      accept(response);
      this.#listener.onInitError(body ?? Buffer.from('{}'));
    } else if (id === undefined || id !== this.#current) {
      refuse(response, 400, 'InvalidRequestID', 'Invalid request ID');
    } else {
      this.#current = undefined;
      if (!body) {
        refuse(
          response,
          413,
          'RequestEntityTooLarge',
          `Exceeded maximum allowed payload size (${responseLimit} bytes).`,
        );
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
