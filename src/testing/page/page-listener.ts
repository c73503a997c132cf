// The local cloud's page: its files, what it shows as JSON, and requests to functions, signed on their way.
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { GlowplugError } from '../../core/errors.ts';
import { SingleFlight } from '../../core/single-flight.ts';
import { readLimited } from '../read-limited.ts';
import type { Sample } from '../samples.ts';
import type { InvocationFeed } from './invocation-feed.ts';
import type { MetricFeed } from './metric-feed.ts';
import type { PageFunction, PageInput, PageModel } from './page-data.ts';

/** Where it lies on the port of the AWS APIs: no bucket's name begins so. */
export const pagePath = '/_glowplug/';

export interface PageOptions {
  readonly feed: InvocationFeed;
  readonly metrics: MetricFeed;
  functions(): PageFunction[];
  sample(name: string): Sample | undefined;
  /** What a function declares; undefined where it declares nothing. */
  input(name: string): Promise<PageInput | undefined>;
  models(): Promise<PageModel[]>;
  /** To a path of the function's URL. */
  send(name: string, path: string, init: RequestInit): Promise<Response>;
}

export function pageListener(options: PageOptions): RequestListener {
  const scripts = new SingleFlight<Uint8Array>();
  return (message, response) => {
    answer(options, scripts, message, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return response.destroy();
      const known = error instanceof GlowplugError ? error : undefined;
      json(response, { error: known?.message ?? 'the local cloud could not answer' }, known?.status ?? 500);
    });
  };
}

async function answer(
  options: PageOptions,
  scripts: SingleFlight<Uint8Array>,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!fromItself(message)) return json(response, { error: 'the page answers its own requests alone' }, 403);
  const { pathname, searchParams } = new URL(message.url ?? '', 'http://page');
  const [what = '', name = '', part] = pathname.slice(pagePath.length).split('/').map(decodeURIComponent);
  if (message.method === 'POST' && what === 'functions') {
    return await sendOn(options, name, searchParams.get('path') ?? '/', message, response);
  }
  if (message.method !== 'GET') return json(response, { error: `expected GET, got ${message.method}` }, 405);
  if (what === 'functions' && part === 'sample') return sample(response, options.sample(name));
  if (what === 'functions' && part === 'input') return json(response, (await options.input(name)) ?? null);
  switch (what) {
    case '':
      return file(response, await readFile(beside('page.html')), 'text/html');
    case 'page.css':
      return file(response, await readFile(beside('page.css')), 'text/css');
    case 'page.js':
      return file(response, await scripts.run(what, bundled), 'text/javascript');
    case 'functions':
      return json(response, options.functions());
    case 'models':
      return json(response, await options.models());
    case 'metrics':
      return json(response, options.metrics.metrics);
    case 'invocations':
      return follow(response, options.feed);
    default:
      return json(response, { error: `expected a part of the page, got ${pathname}` }, 404);
  }
}

/** esbuild is not loaded before someone looks. */
async function bundled(): Promise<Uint8Array> {
  const { bundleForBrowser } = await import('../../build/bundle-for-browser.ts');
  return await bundleForBrowser(beside(`client/main${extname(import.meta.url)}`));
}

function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/**
 * The page invokes functions with the cloud's credentials. Other sites' pages reach this port too: by a form, or by a name
 * that they let point here.
 */
function fromItself({ headers, method }: IncomingMessage): boolean {
  const host = headers.host ?? '';
  if (!/^(127\.0\.0\.1|localhost|\[::1\]):\d+$/.test(host)) return false;
  return method === 'GET' || headers.origin === `http://${host}`;
}

/** Bytes of a request that the page passes on: more than any function URL takes, so that the function's own refusal is seen. */
const bodyLimit = 16 * 2 ** 20;

async function sendOn(
  { send }: PageOptions,
  name: string,
  path: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readLimited(message, bodyLimit);
  if (!body) return json(response, { error: `expected at most ${bodyLimit} bytes` }, 413);
  const headers = { 'content-type': message.headers['content-type'] ?? 'application/octet-stream' };
  const answered = await send(name, path, { method: 'POST', headers, body: new Uint8Array(body) });
  // What fetch has decoded already, and what is of one connection.
  const left = ['content-encoding', 'content-length', 'transfer-encoding', 'connection', 'keep-alive'];
  response.writeHead(
    answered.status,
    Object.fromEntries([...answered.headers].filter(([each]) => !left.includes(each))),
  );
  if (!answered.body) return void response.end();
  await pipeline(Readable.fromWeb(answered.body), response);
}

function sample(response: ServerResponse, found: Sample | undefined): void {
  if (!found) json(response, { error: 'no request.* lies beside the function' }, 404);
  else
    response.writeHead(200, { 'content-type': found.contentType, 'content-length': found.body.length }).end(found.body);
}

/** Server-sent events: what is there, then each change. */
function follow(response: ServerResponse, feed: InvocationFeed): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const tell = (invocation: unknown) => void response.write(`data: ${JSON.stringify(invocation)}\n\n`);
  response.write('retry: 500\n\n');
  for (const invocation of feed.invocations) tell(invocation);
  const listening = feed.listen(tell);
  response.on('close', () => listening[Symbol.dispose]());
}

function file(response: ServerResponse, bytes: Uint8Array, type: string): void {
  response
    .writeHead(200, {
      'content-type': `${type}; charset=utf-8`,
      'content-length': bytes.length,
      'cache-control': 'no-store',
      // Answers of functions are shown: nothing in one may run or load anything.
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; media-src blob:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    .end(bytes);
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  const bytes = Buffer.from(JSON.stringify(value));
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': bytes.length,
      'cache-control': 'no-store',
    })
    .end(bytes);
}
