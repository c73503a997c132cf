// One Lambda invocation: which kind of event it is, its way to a Request, and the answer's way back.
import type { Context as LambdaContext } from 'aws-lambda';
import { invocationTrace } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import { type HttpRequest, type HttpResponse, lightResponse } from '../core/light-http.ts';
import { type Context, createContext } from '../handler/context.ts';
import { answer, errorResponse } from '../handler/pipeline.ts';
import { isAlbEvent } from './alb-event.ts';
import * as apiGateway from './api-gateway.ts';
import { findable, isAskedLater } from './asked-later.ts';
import { hasUpload, uploadHeader } from './asks-for-upload.ts';
import * as direct from './direct.ts';
import * as functionUrl from './function-url.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { AsyncOutlet } from './respond-async.ts';
import type { Outlet } from './sqs.ts';
import { isSqsEvent } from './sqs-event.ts';
import type { Places } from './transform.ts';
import { isTransformEvent, type TransformEvent } from './transform-event.ts';

export type Fetch = (request: HttpRequest, context: Context) => Promise<HttpResponse>;

export interface Host {
  /** Where the results of queued requests go; without it their events are refused. */
  readonly outlet?: () => Promise<Outlet>;
  /** Where requests go that need not be answered at once; without it they are. */
  readonly later?: (() => Promise<AsyncOutlet>) | undefined;
  /** Where requests and answers lie that are too large for Lambda; without it those are refused. */
  readonly large?: (() => Promise<LargeBodies>) | undefined;
  /** The path of a load balancer's request begins with a name of the function. @default false */
  readonly namedRoutes?: boolean;
  /** Where the objects of a batch transform are, and where their results go; without it they are taken for an input. */
  readonly places?: (event: TransformEvent) => Promise<Places>;
  /** Fetches models and opens their sessions. */
  readonly warm?: () => Promise<void>;
  /** When an answer is whole and the process may freeze; `leftMs`: until Lambda ends it. */
  readonly answered?: ((leftMs: number) => Promise<void>) | undefined;
}

/** Time to answer 504 before Lambda ends the process without an answer. */
const LAST_WORDS_MS = 200;

export async function answerEvent(
  fetch: Fetch,
  event: unknown,
  lambda: LambdaContext,
  host: Host = {},
): Promise<unknown> {
  const { outlet, places, warm, large } = host;
  const { context, end } = openInvocation(
    lambda,
    host,
    isRecord(event) && 'requestContext' in event ? 'http' : 'other',
  );
  const serve = (request: HttpRequest) => serveHttp(fetch, request, event, context, host);
  try {
    if (functionUrl.isFunctionUrlEvent(event)) {
      const own = apiGateway.withoutStage(event);
      const response = findable(await serve(functionUrl.toRequest(own)), event.rawPath, own.rawPath);
      return await carried(functionUrl.fromResponse, response, context, large);
    }
    if (isAlbEvent(event)) {
      const alb = await import('./alb.ts');
      const own = host.namedRoutes ? alb.withoutName(event) : event;
      const response = findable(await serve(alb.toRequest(own)), event.path, own.path);
      return await carried((each) => alb.fromResponse(each, event), response, context, large);
    }
    if (apiGateway.isRestEvent(event)) {
      return await carried(apiGateway.fromResponse, await serve(apiGateway.toRequest(event)), context, large);
    }
    if (outlet && isSqsEvent(event)) {
      const { answerRecords } = await import('./sqs.ts');
      return await answerRecords(event, fetch, await outlet(), context);
    }
    if (places && isTransformEvent(event)) {
      const { answerObjects } = await import('./transform.ts');
      return await answerObjects(event, fetch, await places(event), context);
    }
    if (warm && isSchedule(event)) {
      await warm();
      return null;
    }
    const response = isForeign(event)
      ? errorResponse(foreign(event), context)
      : await fetch(direct.toRequest(event), context);
    return await carried(direct.fromResponse, response, context);
  } finally {
    await end();
  }
}

/** A request of an HTTP host: its body may lie in S3, its answer may come later. Never rejects. */
export async function serveHttp(
  fetch: Fetch,
  request: HttpRequest,
  event: unknown,
  context: Context,
  { later, large }: Host,
): Promise<HttpResponse> {
  const serve = async (whole: HttpRequest): Promise<HttpResponse> => {
    if (!later || !isAskedLater(whole)) return await fetch(whole, context);
    const { answerLater, callerOf } = await import('./respond-async.ts');
    return await answer(context, async () => await answerLater(whole, callerOf(event), await later(), context));
  };
  if (!large || !hasUpload(request)) return await serve(request);
  return await answer(context, async () => {
    const { callerOf, offerPlace, withUpload } = await import('./large-bodies.ts');
    const caller = callerOf(event);
    if (!request.headers.has(uploadHeader)) return await offerPlace(request, caller, await large());
    return await serve(await withUpload(request, caller, await large(), context));
  });
}

/** What the function knows of the invocation. Its signal aborts while there is time for an answer; `end` when there is one. */
export function openInvocation(
  lambda: LambdaContext,
  { answered }: Host,
  trigger: 'http' | 'other',
): { context: Context; end(): Promise<void> } {
  const deadline = new AbortController();
  const left = lambda.getRemainingTimeInMillis();
  const timer = setTimeout(() => deadline.abort(), Math.max(left - LAST_WORDS_MS, left / 2));
  return {
    context: createContext({
      requestId: lambda.awsRequestId,
      invocationId: lambda.awsRequestId,
      signal: deadline.signal,
      xray: invocationTrace(),
      trigger,
    }),
    async end() {
      clearTimeout(timer);
      await answered?.(lambda.getRemainingTimeInMillis());
    },
  };
}

/** An answer that cannot be carried: led to where it is only too large and may lie in S3, else the answer that says so. */
async function carried<T>(
  carry: (response: HttpResponse) => Promise<T>,
  response: HttpResponse,
  context: Context,
  large?: Host['large'],
): Promise<T> {
  let whole = response;
  try {
    // It is read twice when it is too large.
    if (large) whole = await lightResponse(response);
    return await carry(whole);
  } catch (error) {
    if (error instanceof direct.InvocationError) throw error;
    if (!large || !isTooLarge(error)) return await carry(errorResponse(error, context));
    const { answerBeside } = await import('./large-bodies.ts');
    return await carry(await answer(context, async () => await answerBeside(whole, await large(), context)));
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof GlowplugError && error.code === 'OUTPUT_TOO_LARGE';
}

/** What EventBridge sends where a schedule has no input of its own: it asks for nothing but to be ready. */
function isSchedule(event: unknown): boolean {
  return isRecord(event) && event['detail-type'] === 'Scheduled Event';
}

/** Events of AWS services that have no adapter: taking them for an input would hide a wiring mistake. */
function isForeign(event: unknown): event is object {
  return (
    typeof event === 'object' &&
    event !== null &&
    ('Records' in event || 'requestContext' in event || 'detail-type' in event)
  );
}

function foreign(event: object): GlowplugError {
  return new GlowplugError(
    'EVENT_UNKNOWN',
    `expected an HTTP event, SQS records or a direct invocation, got an event with ${Object.keys(event).slice(0, 8).join(', ')}`,
  );
}
