// Preloaded into every environment: stands in for the one native file of aws-lambda-ric, an HTTP client of the
// Runtime API, so that AWS's own runtime client runs without a compiler. Loads nothing but node:http.
import type { IncomingMessage } from 'node:http';
import { registerHooks } from 'node:module';

// Not by import: an ES module's view of node:http asks for each export, WebSocket's getter loads undici, and every environment
// would boot 20 ms later than on Lambda.
const { Agent, request } = process.getBuiltinModule('node:http');

const hooks = registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier !== './rapid-client.node' || !context.parentURL?.endsWith('/aws-lambda-ric/index.mjs')) {
      return nextResolve(specifier, context);
    }
    hooks.deregister();
    return { url: import.meta.url, format: 'module', shortCircuit: true };
  },
});

// What a handler writes is out before its response is: a pipe that is full would otherwise keep the rest back, and the
// platform's REPORT would come before it.
for (const stream of [process.stdout, process.stderr]) {
  const handle: unknown = Reflect.get(stream, '_handle');
  if (typeof handle === 'object' && handle !== null && 'setBlocking' in handle) {
    if (typeof handle.setBlocking === 'function') handle.setBlocking(true);
  }
}

// One connection: what was posted is answered before the next event is asked for, as with the native client. With many
// requests at once the next event is always being asked for, and answers go past it.
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const answers = process.env['AWS_LAMBDA_MAX_CONCURRENCY'] === undefined ? agent : new Agent({ keepAlive: true });

/** The next invocation: its payload as text and its headers, in lower case. */
export async function next(): Promise<{ bodyJson: string; headers: IncomingMessage['headers'] }> {
  const response = await send('GET', 'invocation/next');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  if (response.statusCode !== 200) throw new Error(`Failed to get next invocation, status ${response.statusCode}`);
  return { bodyJson: Buffer.concat(chunks).toString(), headers: response.headers };
}

/** Like the native client, tells nobody when the response was refused: the platform has told the caller. */
export function done(id: string, body: string): void {
  post(`invocation/${id}/response`, body);
}

/** The third argument, a cause for X-Ray, has no use here. */
export function error(id: string, body: string): void {
  post(`invocation/${id}/error`, body);
}

function post(path: string, body: string): void {
  send('POST', path, body).then(
    (response) => response.resume(),
    () => {}, // The platform is gone, and `next` will say so.
  );
}

function send(method: string, path: string, body?: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const [hostname, port] = (process.env['AWS_LAMBDA_RUNTIME_API'] ?? '').split(':');
  const headers =
    body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const via = body === undefined ? agent : answers;
  request({ hostname, port, method, path: `/2018-06-01/runtime/${path}`, headers, agent: via }, resolve)
    .on('error', reject)
    .end(body);
  return promise;
}
