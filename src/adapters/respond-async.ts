// `Prefer: respond-async` (RFC 7240): the request goes into the function's own queue, the client gets a place to look for
// the answer. The place is 256 random bits, is one caller's, and is gone after a day.
import { createHash, randomBytes } from 'node:crypto';
import { isRecord } from '../core/is-record.ts';
import type { HttpRequest, HttpResponse } from '../core/light-http.ts';
import type { Context } from '../handler/context.ts';
import { type DeliverOptions, sendMessage } from '../results/deliver.ts';
import { type Result, type Results, toResult } from '../results/results.ts';
import { places } from './asked-later.ts';

export { callerOf } from './caller.ts';

export interface AsyncOutlet extends DeliverOptions {
  readonly results: Results;
  /** URL of the function's own queue. */
  readonly queue: string;
  readonly now?: () => number;
}

type Fetch = (request: Request, context: Context) => Promise<HttpResponse>;

/** The queue tries a record for minutes; a day leaves the client its night. */
const lifetimeMs = 24 * 3_600_000;
/** Past this an answer does not fit into Lambda's 6 MB as base64: S3 gives it. */
const largeBytes = 4 * 1024 * 1024;
/** How long a link to S3 may be followed. */
const linkSeconds = 300;

/** 202 with `Location`, or what lies at such a place. */
export async function answerLater(
  request: HttpRequest,
  caller: string,
  outlet: AsyncOutlet,
  context: Context,
): Promise<Response> {
  if (request.method === 'POST') return await accept(request, caller, outlet, context);
  const token = new URL(request.url).pathname.slice(places.length);
  return await look(keyOf(token), caller, outlet, context);
}

/** Runs the request behind a ticket and writes its answer. False: it is to be tried again. */
export async function answerTicket(ticket: string, fetch: Fetch, results: Results, context: Context): Promise<boolean> {
  const at = place(ticket);
  const { signal } = context;
  if (await results.get(at('result'), signal)) return true;
  const request = revive(await results.get(at('request'), signal));
  if (!request) {
    context.log.warn('a ticket without its request was left alone', { ticket });
    return false;
  }
  const result = await toResult(await fetch(request, context));
  // What the client did wrong is its answer; what went wrong here may go right the next time.
  if (result.status >= 500 || result.status === 429) return false;
  await results.putOnce(at('result'), result, signal);
  return true;
}

async function accept(request: HttpRequest, caller: string, outlet: AsyncOutlet, context: Context): Promise<Response> {
  const { results, queue, now = Date.now } = outlet;
  const token = randomBytes(32).toString('base64url');
  const ticket = keyOf(token);
  const at = place(ticket);
  const about = { caller, expires: now() + lifetimeMs };
  const sent = {
    method: request.method,
    path: pathOf(request),
    headers: [...request.headers].filter(([name]) => !isCredential.test(name)),
    body: Buffer.from(await request.arrayBuffer()).toString('base64'),
  };
  await Promise.all([
    results.putOnce(at('ticket'), asJson(about), context.signal),
    results.putOnce(at('request'), asJson(sent), context.signal),
  ]);
  await sendMessage(queue, ticket, { async: ticket }, outlet, { signal: context.signal, trace: context.trace });
  return new Response(null, {
    status: 202,
    headers: { location: `${places}${token}`, 'preference-applied': 'respond-async', 'retry-after': '1' },
  });
}

/** Somebody else's, an expired and an invented place look the same. */
async function look(ticket: string, caller: string, outlet: AsyncOutlet, context: Context): Promise<Response> {
  const { results, now = Date.now } = outlet;
  const at = place(ticket);
  const found = await results.get(at('ticket'), context.signal);
  const about = found && parsed(found);
  const theirs = isRecord(about) && about['caller'] === caller && Number(about['expires']) > now();
  if (!theirs) {
    const body = { error: 'nothing is here for this caller', code: 'NOT_FOUND', requestId: context.requestId };
    return Response.json(body, { status: 404 });
  }
  const result = await results.get(at('result'), context.signal);
  if (!result) return new Response(null, { status: 202, headers: { 'retry-after': '1' } });
  if (result.body.byteLength <= largeBytes)
    return new Response(result.body.byteLength === 0 ? null : result.body, result);
  return new Response(null, { status: 303, headers: { location: await results.link(at('result'), linkSeconds) } });
}

/** What is kept of a place cannot be made into its URL. */
function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function place(ticket: string): (what: 'ticket' | 'request' | 'result') => string {
  return (what) => `async/${encodeURIComponent(ticket)}/${what}`;
}

/** Proofs of who the client is are not kept, a load balancer's own among them. */
const isCredential = /^((proxy-)?authorization|cookie|prefer|x-api-key|x-amz-.*|x-amzn-oidc-.*|content-length)$/i;

function pathOf({ url }: HttpRequest): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

function asJson(value: object): Result {
  const body = new Uint8Array(Buffer.from(JSON.stringify(value)));
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

function parsed({ body }: Result): unknown {
  return JSON.parse(Buffer.from(body).toString());
}

function revive(stored: Result | undefined): Request | undefined {
  const sent = stored && parsed(stored);
  if (!isRecord(sent) || !Array.isArray(sent['headers'])) return undefined;
  const headers = sent['headers'].map(([name, value]: [string, string]): [string, string] => [name, value]);
  return new Request(`https://localhost${sent['path']}`, {
    method: `${sent['method']}`,
    headers,
    body: Buffer.from(`${sent['body']}`, 'base64'),
  });
}
