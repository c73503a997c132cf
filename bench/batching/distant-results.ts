// An S3 whose puts take as long as AWS's do and nothing of this machine's processors: results are kept in memory, each
// created once. Whatever else is asked goes on to the local cloud, signature and all.
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Bound, listen } from '../../src/testing/listen.ts';

/** In one region a small put takes 10 to 30 ms; AWS promises nothing. */
const PUT_MS = 15;

export interface DistantResults extends Bound {
  readonly keys: ReadonlySet<string>;
  /** Where the rest is. */
  behind: string;
}

export async function distantResults(): Promise<DistantResults> {
  const keys = new Set<string>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const { url = '/' } = request;
    if (request.method !== 'PUT' || !url.includes('/results/')) return pass(request, response, distant.behind);
    request.resume().once('end', () =>
      setTimeout(() => {
        response.writeHead(keys.has(url) ? 412 : 200).end();
        keys.add(url);
      }, PUT_MS),
    );
  });
  const distant = Object.assign(await listen(server, 0), { keys, behind: '' });
  return distant;
}

function pass(request: IncomingMessage, response: ServerResponse, behind: string): void {
  const { method, headers, url } = request;
  const next = forward(new URL(url ?? '/', behind), { ...(method ? { method } : {}), headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  next.once('error', () => response.destroy());
  request.pipe(next);
}
