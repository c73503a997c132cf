// The way of a request. Read this first:
//
//   Request ─► decode ─► predict ─► encode ─► Response
//
// and whatever fails on the way becomes an answer with a code of the catalogue, never a stack trace.
import { catalogue, type ErrorCode, GlowplugError } from '../core/errors.ts';
import type { Context } from './context.ts';

/** The verbs of a function, each with its models and defaults already in it. */
export interface Verbs<I, O> {
  /** Resolves when the function is warm; the first request waits for it. */
  warm(): Promise<void>;
  decode(request: Request, context: Context): Promise<I> | I;
  predict(input: I, context: Context): Promise<O> | O;
  encode(output: O, context: Context): Promise<Response> | Response;
}

/** Answers one request. Never rejects. */
export async function pipeline<I, O>(verbs: Verbs<I, O>, request: Request, context: Context): Promise<Response> {
  return await answer(context, async () => {
    const input = await verbs.decode(request, context);
    await verbs.warm();
    const output = await verbs.predict(input, context);
    return await verbs.encode(output, context);
  });
}

/** Runs `work` until the deadline; an error becomes its answer. Never rejects. */
export async function answer(context: Context, work: () => Promise<Response>): Promise<Response> {
  try {
    return await beforeDeadline(work, context.signal);
  } catch (error) {
    return errorResponse(error, context);
  }
}

/** What somebody asked the host for is no fault of it. */
const wanted: ReadonlySet<ErrorCode> = new Set(['SERVER_BUSY', 'MODEL_UNLOADED']);

/** `{ error, code, remedy, requestId }`: what the caller did wrong in full, of our own faults only the kind. */
export function errorResponse(error: unknown, context: Context): Response {
  const known = error instanceof GlowplugError ? error : new GlowplugError('INTERNAL', 'a fault', { cause: error });
  const ours = known.status >= 500;
  if (ours && !wanted.has(known.code)) context.log.error(known.message, { code: known.code, error: describe(known) });
  const body = {
    error: ours ? catalogue[known.code].meaning : known.message,
    code: known.code,
    remedy: known.remedy,
    requestId: context.requestId,
  };
  return Response.json(body, { status: known.status, headers: known.headers });
}

async function beforeDeadline(work: () => Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  if (!signal) return await work();
  const { promise: never, reject } = Promise.withResolvers<never>();
  // A host that knows more than that the time is up aborts with its own reason.
  const abort = () => reject(signal.reason instanceof GlowplugError ? signal.reason : deadline());
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([never, work()]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function deadline(): GlowplugError {
  return new GlowplugError('DEADLINE', 'the answer was not ready within the deadline');
}

/** For the log alone: the stack, and the causes below it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\ncaused by ${describe(error.cause)}`;
}
