// inference(): a function’s options become the handler that Lambda calls, and that every other host calls by `.fetch`.
import middy, { type MiddyfiedHandler } from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import { answerEvent } from './adapters/lambda.ts';
import type { Outlet } from './adapters/sqs.ts';
import { readContract } from './core/contract.ts';
import { once } from './core/once.ts';
import { createContext } from './handler/context.ts';
import { defineFunction, type FunctionOptions, type References } from './handler/define.ts';
import { Environment } from './handler/environment.ts';
import { givenHost } from './handler/given-host.ts';
import type { InferRequest } from './protocol/infer-request.ts';
import type { Inference } from './protocol/infer-response.ts';

export interface InferenceHandler extends MiddyfiedHandler<unknown, unknown> {
  /** Answers a request in this process. Never rejects: whatever fails is an answer with a code. */
  fetch(request: Request, options?: { signal?: AbortSignal; requestId?: string }): Promise<Response>;
  /** Fetches the models, opens their sessions and runs the function’s own `warm`. */
  warm(): Promise<void>;
}

/**
 * Defines a function: decode a request, predict with models, encode the answer. Every verb has a default; with none of
 * them the function speaks the Open Inference Protocol for its one model. The result is a middy handler.
 *
 * @throws GlowplugError CONFIG_INVALID for options that contradict each other
 * @example
 * export const handler = inference({
 *   models: { iris: 'iris:prod' },
 *   input: json(z.object({ measures: z.array(z.number()).length(4) })),
 *   async predict({ measures }, { iris }) {
 *     const { probabilities } = await iris.run({ x: tensor('FP32', [1, 4], Float32Array.from(measures)) });
 *     return { probabilities: [...probabilities.data] };
 *   },
 * });
 */
export function inference<const M extends References, I = InferRequest, O = Inference>(
  options: FunctionOptions<M, I, O>,
): InferenceHandler {
  const given = givenHost();
  const environment = given ? () => new Environment(given.contract, given.createSession) : sharedEnvironment;
  const { fetch, warm } = defineFunction(options, environment);
  const outlet = once(() => openOutlet(options.queue?.callbacks));
  const { onLambda, queue } = readContract();
  const later = queue === undefined ? undefined : async () => ({ ...(await outlet()), queue });
  // On Lambda a module is loaded to be invoked: the bytes travel while the runtime goes on starting.
  if (onLambda) void warm();
  return Object.assign(
    middy((event: unknown, context: LambdaContext) => answerEvent(fetch, event, context, { outlet, later, warm })),
    { warm, fetch: (request: Request, given = {}) => fetch(request, createContext(given)) },
  );
}

/** @throws GlowplugError CONFIG_INVALID */
async function openOutlet(callbacks: readonly string[] = []): Promise<Outlet> {
  const { openResults } = await import('./results/results.ts');
  const contract = readContract();
  return { ...contract, results: openResults(contract), callbacks };
}

let shared: Environment | undefined;

/** The functions of one process share one memory budget. */
function sharedEnvironment(): Environment {
  shared ??= new Environment(readContract(), async (modelPath, options) => {
    const { createOrtSession } = await import('./session/ort.ts');
    return await createOrtSession(modelPath, options);
  });
  return shared;
}
