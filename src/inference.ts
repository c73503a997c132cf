// inference(): a function’s options become the handler that Lambda calls, and that every other host calls by `.fetch`.
import middy, { type MiddyfiedHandler } from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import { answerEvent } from './adapters/lambda.ts';
import type { Outlet } from './adapters/sqs.ts';
import { streamEvent, streamed } from './adapters/stream.ts';
import { readContract } from './core/contract.ts';
import { consoleLog } from './core/log.ts';
import { once } from './core/once.ts';
import { createContext } from './handler/context.ts';
import { defineFunction, type FunctionOptions, type InferenceFunction, type References } from './handler/define.ts';
import { Environment } from './handler/environment.ts';
import { givenHost } from './handler/given-host.ts';
import type { InferRequest } from './protocol/infer-request.ts';
import type { Inference } from './protocol/infer-response.ts';
import type { SessionFactory } from './session/session.ts';

export interface InferenceHandler extends MiddyfiedHandler<unknown, unknown> {
  /** Answers a request in this process. Never rejects: whatever fails is an answer with a code. */
  fetch(request: Request, options?: { signal?: AbortSignal; requestId?: string }): Promise<Response>;
  /** What it takes: kind, content types and limits. */
  readonly input: InferenceFunction['input'];
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
  const environment = given ? () => new Environment(given.contract, given.createSession, given) : sharedEnvironment;
  const { fetch, warm, input } = defineFunction(options, environment);
  const outlet = once(() => openOutlet(options.queue?.callbacks));
  const { onLambda, streams } = readContract();
  // On Lambda a module is loaded to be invoked: the bytes travel while the runtime goes on starting.
  if (onLambda) void warm();
  const streaming = onLambda && streams;
  const answer = streaming ? streamEvent : answerEvent;
  const handler = middy((event: unknown, context: LambdaContext) => answer(fetch, event, context, outlet));
  return Object.assign(streaming ? streamed(handler) : handler, {
    warm,
    input,
    fetch: (request: Request, given = {}) => fetch(request, createContext(given)),
  });
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
  if (!shared) {
    const contract = readContract();
    shared = new Environment(contract, contract.workers === undefined ? inThisThread : inItsOwnThread);
  }
  return shared;
}

const inThisThread: SessionFactory = async (modelPath, options) => {
  const { createOrtSession } = await import('./session/ort.ts');
  return await createOrtSession(modelPath, options);
};

/** Where requests meet: a run blocks its thread, and the others would wait for more than the model. */
const inItsOwnThread: SessionFactory = async (modelPath, options) => {
  const { createWorkerSession } = await import('./session/worker.ts');
  return await createWorkerSession(modelPath, options, {
    onStuck: (error) => {
      consoleLog.error('a run is stuck: this environment ends and is replaced', { error: String(error) });
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
    },
  });
};

/** For the answers of those who waited: they have been told, and the answers are on their way. */
const LAST_WORDS_MS = 500;
