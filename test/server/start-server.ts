// A server for one test, on a free port; what it serves is whatever the test needs.
import { onTestFinished } from 'vitest';
import { standardResponse } from '../../src/core/light-http.ts';
import { noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { answer } from '../../src/handler/pipeline.ts';
import { type ServerOptions, startServer } from '../../src/server/server.ts';
import type { Unit } from '../../src/server/units.ts';

export type Given = Parameters<Unit['handler']['fetch']>[1];
export type Work = (request: Request, given: Given) => Promise<Response> | Response;

export const patient = { timeout: 10_000 };

/** One unit that does `work`; its failures become answers as a function's do. */
export function unit(work: Work, name = 'work', models: readonly string[] = []): Unit {
  const fetch = async (request: Request, given: Given) =>
    standardResponse(await answer(createContext({ ...given, log: noLog }), async () => await work(request, given)));
  const ready = (request: Request) => new URL(request.url).pathname === '/v2/health/ready';
  return {
    name,
    models,
    handler: {
      fetch: async (request, given) => (ready(request) ? new Response() : await fetch(request, given)),
      warm: async () => {},
    },
  };
}

export async function start(units: readonly Unit[] | Work, options: Partial<ServerOptions> = {}) {
  const all = typeof units === 'function' ? [unit(units)] : units;
  const server = await startServer(all, { host: '127.0.0.1', port: 0, log: noLog, ...options });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const url = `http://127.0.0.1:${server.port}`;
  const post = async (path: string, body: NonNullable<RequestInit['body']>, init: RequestInit = {}) =>
    await fetch(`${url}${path}`, { method: 'POST', body, ...init });
  return { server, url, post };
}

export const echo: Work = async (request) =>
  new Response(await request.arrayBuffer(), {
    headers: { 'x-path': new URL(request.url).pathname, 'x-method': request.method },
  });

export async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}
