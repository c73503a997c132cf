// One Lambda invocation: which kind of event it is, its way to a Request, and the answer's way back.
import type { Context as LambdaContext } from 'aws-lambda';
import { GlowplugError } from '../core/errors.ts';
import { type Context, createContext } from '../handler/context.ts';
import { errorResponse } from '../handler/pipeline.ts';
import * as alb from './alb.ts';
import * as apiGateway from './api-gateway.ts';
import * as direct from './direct.ts';
import * as functionUrl from './function-url.ts';
import type { Outlet } from './sqs.ts';
import { isSqsEvent } from './sqs-event.ts';

export type Fetch = (request: Request, context: Context) => Promise<Response>;

/** Time to answer 504 before Lambda ends the process without an answer. */
const LAST_WORDS_MS = 200;

export async function answerEvent(
  fetch: Fetch,
  event: unknown,
  lambda: LambdaContext,
  outlet?: () => Promise<Outlet>,
): Promise<unknown> {
  const { context, end } = openInvocation(lambda);
  try {
    if (functionUrl.isFunctionUrlEvent(event)) {
      return await orRefusal(
        functionUrl.fromResponse,
        await fetch(functionUrl.toRequest(apiGateway.withoutStage(event)), context),
        context,
      );
    }
    if (alb.isAlbEvent(event)) {
      const carry = (response: Response) => alb.fromResponse(response, event);
      return await orRefusal(carry, await fetch(alb.toRequest(event), context), context);
    }
    if (apiGateway.isRestEvent(event)) {
      return await orRefusal(apiGateway.fromResponse, await fetch(apiGateway.toRequest(event), context), context);
    }
    if (outlet && isSqsEvent(event)) {
      const { answerRecords } = await import('./sqs.ts');
      return await answerRecords(event, fetch, await outlet(), context);
    }
    const response = isForeign(event)
      ? errorResponse(foreign(event), context)
      : await fetch(direct.toRequest(event), context);
    return await orRefusal(direct.fromResponse, response, context);
  } finally {
    end();
  }
}

/** What the function knows of the invocation. Its signal aborts while there is time for an answer; `end` when there is one. */
export function openInvocation(lambda: LambdaContext): { context: Context; end(): void } {
  const deadline = new AbortController();
  const left = lambda.getRemainingTimeInMillis();
  const timer = setTimeout(() => deadline.abort(), Math.max(left - LAST_WORDS_MS, left / 2));
  return {
    context: createContext({ requestId: lambda.awsRequestId, signal: deadline.signal }),
    end: () => clearTimeout(timer),
  };
}

/** An answer that cannot be carried becomes the answer that says so. */
async function orRefusal<T>(
  carry: (response: Response) => Promise<T>,
  response: Response,
  context: Context,
): Promise<T> {
  try {
    return await carry(response);
  } catch (error) {
    if (error instanceof direct.InvocationError) throw error;
    return await carry(errorResponse(error, context));
  }
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
