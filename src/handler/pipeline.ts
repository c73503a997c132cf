// The way of a request. Read this first:
//
//   Request ─► decode ─► predict ─► encode ─► Response
//
// and whatever fails on the way becomes an answer with a code of the catalogue, never a stack trace.
import { catalogue, type ErrorCode } from '../core/error-catalogue.ts';
import { GlowplugError } from '../core/errors.ts';
import { type HttpRequest, type HttpResponse, LightResponse } from '../core/light-http.ts';
import type { Context } from './context.ts';
import { withHeader } from './with-header.ts';

/** The verbs of a function, each with its models and defaults already in it. */
export interface Verbs<I, O> {
  /** Resolves when the function is warm; the first request waits for it. */
  warm(): Promise<void>;
  decode(request: HttpRequest, context: Context): Promise<I> | I;
  predict(input: I, context: Context): Promise<O> | O;
  encode(output: O, context: Context): Promise<HttpResponse> | HttpResponse;
}

/** Answers one request. Never rejects. */
export async function pipeline<I, O>(
  verbs: Verbs<I, O>,
  request: HttpRequest,
  context: Context,
): Promise<HttpResponse> {
  const { trace } = context;
  const response = await answer(context, async () => {
    const input = await verbs.decode(request, context);
    trace.mark('decode');
    await verbs.warm();
    trace.mark('warm');
    const output = await verbs.predict(input, context);
    trace.mark('predict');
    const encoded = await verbs.encode(output, context);
    trace.mark('encode');
    return encoded;
  });
  return withHeader(response, 'server-timing', trace.serverTiming());
}

/** Runs `work` until the deadline; an error becomes its answer. Never rejects. */
export async function answer(context: Context, work: () => Promise<HttpResponse>): Promise<HttpResponse> {
  try {
    return await beforeDeadline(work, context.signal);
  } catch (error) {
    return errorResponse(error, context);
  }
}

/** What somebody asked the host for is no fault of it. */
const wanted: ReadonlySet<ErrorCode> = new Set(['SERVER_BUSY', 'MODEL_UNLOADED']);

export function errorResponse(error: unknown, context: Context): LightResponse {
  const known = asKnown(error);
  return LightResponse.json(errorBody(known, context), { status: known.status, headers: known.headers });
}

/** What a client sees: what it did wrong in full, of our own faults only the kind; those are logged. */
export function errorBody(
  error: unknown,
  context: Context,
): { readonly error: string; readonly code: string; readonly remedy: string; readonly requestId: string } {
  const known = asKnown(error);
  const { code, remedy } = known;
  context.trace.failed(code);
  const ours = known.status >= 500;
  if (ours && !wanted.has(code)) context.log.error(known.message, { code, error: describe(known) });
  return { error: ours ? catalogue[code].meaning : known.message, code, remedy, requestId: context.requestId };
}

function asKnown(error: unknown): GlowplugError {
  return error instanceof GlowplugError ? error : new GlowplugError('INTERNAL', 'a fault', { cause: error });
}

async function beforeDeadline(
  work: () => Promise<HttpResponse>,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
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
