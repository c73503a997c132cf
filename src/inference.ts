// inference(): a function’s options become the handler that Lambda calls, and that every other host calls by `.fetch`.
import middy, { type MiddyfiedHandler } from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import { answerEvent } from './adapters/lambda.ts';
import { readContract } from './core/contract.ts';
import { consoleLog } from './core/log.ts';
import { ColdStart } from './handler/cold-start.ts';
import { createContext } from './handler/context.ts';
import { defineFunction, type FunctionOptions, type References } from './handler/define.ts';
import { Environment } from './handler/environment.ts';
import { givenHost } from './handler/given-host.ts';
import { snapshotOf } from './handler/snapshot.ts';
import type { InferRequest } from './protocol/infer-request.ts';
import type { Inference } from './protocol/infer-response.ts';
import type { Runtime } from './session/session.ts';

export interface InferenceHandler extends MiddyfiedHandler<unknown, unknown> {
  /** Answers a request in this process. Never rejects: whatever fails is an answer with a code. */
  fetch(request: Request, options?: { signal?: AbortSignal; requestId?: string }): Promise<Response>;
  /** Fetches the models, opens their sessions and runs the function’s own `warm`. */
  warm(): Promise<void>;
  /**
   * Resolves when this environment may end its init: at once on demand, warm where it is kept waiting or a snapshot is taken
   * of it. `init.mjs` in each bundle waits for it.
   */
  initialized(): Promise<void>;
  /** For a runtime of your own: before it asks for `/runtime/restore/next`. */
  beforeSnapshot(): Promise<void>;
  /** For a runtime of your own: when that was answered. Else the first request does it. */
  afterRestore(): Promise<void>;
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
  const environment = given
    ? () => new Environment(given.contract, { create: given.createSession })
    : sharedEnvironment;
  const fn = defineFunction(timed(options), environment);
  const { fetch, warm } = fn;
  const snapshot = snapshotOf({
    fn,
    environment: sharedEnvironment,
    hooks: options.snapshot,
    readContract,
    exit: () => process.exit(1),
  });
  const { initialization } = readContract();
  let restored: Promise<void> | undefined;
  // On Lambda a module is loaded to be invoked: the bytes travel while the runtime goes on starting.
  if (readContract().onLambda) {
    void warm();
    // The module that calls this is still being loaded.
    queueMicrotask(() => coldStart.imported());
  }
  return Object.assign(
    middy(async (event: unknown, context: LambdaContext) => {
      // The first request of a function with SnapStart comes after a restore, always.
      if (initialization === 'snap-start') {
        restored ??= snapshot.after();
        await restored;
      }
      const answer = () => answerEvent(fetch, event, context);
      if (coldStart.isOver || !readContract().onLambda) return await answer();
      // Making a Request loads undici, 20 ms in which no connection could be made.
      const afterAsking = async () => {
        await sharedEnvironment().asked();
        return await answer();
      };
      const answered = await coldStart.record('request', {}, afterAsking);
      coldStart.finish(consoleLog, context.functionName, Date.now());
      return answered;
    }),
    {
      warm,
      fetch: (request: Request, given = {}) => fetch(request, createContext(given)),
      async initialized() {
        if (initialization === 'provisioned-concurrency') await warm();
        if (initialization !== 'snap-start') return;
        coldStart.drop();
        await snapshot.before();
      },
      beforeSnapshot: () => snapshot.before(),
      afterRestore() {
        restored = snapshot.after();
        return restored;
      },
    },
  );
}

/** Of this process, whose functions are one module each on Lambda. */
const coldStart = new ColdStart(performance.now());
let shared: Environment | undefined;

/** The owner's own `warm` is a stage of the cold start. */
function timed<M extends References, I, O>(options: FunctionOptions<M, I, O>): FunctionOptions<M, I, O> {
  const { warm } = options;
  return warm ? { ...options, warm: (models) => coldStart.record('warm', {}, () => warm(models)) } : options;
}

/** The functions of one process share one memory budget. */
function sharedEnvironment(): Environment {
  if (shared) return shared;
  const contract = readContract();
  const runtime: Runtime = {
    prepare: async (folder) => await (await import('./session/ort.ts')).prepareOrt(folder),
    create: async (modelPath, options) => await (await import('./session/ort.ts')).createOrtSession(modelPath, options),
  };
  shared = new Environment(contract, runtime, contract.onLambda ? { coldStart } : {});
  return shared;
}
