// An S3 in front of another one: it passes everything on, but only when its gate is open.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { listen } from '../../src/testing/listen.ts';

export async function gatedS3(target: string) {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let requests = 0;
  const server = createServer((message, response) => {
    requests++;
    asked.resolve();
    void gate.promise.then(() => passOn(target, message, response));
  });
  const bound = await listen(server, 0);
  return {
    ...bound,
    /** Resolves at the first request. */
    asked: asked.promise,
    open: () => gate.resolve(),
    dropConnections: () => server.closeAllConnections(),
    get requests() {
      return requests;
    },
  };
}

export function passOn(target: string, message: IncomingMessage, response: ServerResponse): void {
  // The host is part of the signature.
  const options = { method: message.method, path: message.url, headers: message.headers };
  const passed = request(target, options, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
  passed.on('error', () => response.destroy());
  message.pipe(passed);
}
