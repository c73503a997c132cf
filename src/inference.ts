// inference(): a function’s options become the handler that Lambda calls, and that every other host calls by `.fetch`.
import middy, { type MiddyfiedHandler } from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import { answerEvent } from './adapters/lambda.ts';
import type { LargeBodies } from './adapters/large-bodies.ts';
import type { Outlet } from './adapters/sqs.ts';
import { streamEvent, streamed } from './adapters/stream.ts';
import type { Places } from './adapters/transform.ts';
import type { TransformEvent } from './adapters/transform-event.ts';
import { invocationFields } from './core/came.ts';
import { systemClock } from './core/clock.ts';
import { type Contract, invocationTrace, readContract } from './core/contract.ts';
import { consoleLog, withFields } from './core/log.ts';
import { once } from './core/once.ts';
import { askedAt, bundleBegan } from './handler/ask-for-models.ts';
import type { WriteRecord } from './handler/capture.ts';
import { ColdStart } from './handler/cold-start.ts';
import { createContext } from './handler/context.ts';
import {
  defineFunction,
  type FunctionOptions,
  type InferenceFunction,
  type References,
  type Watch,
} from './handler/define.ts';
import { Environment } from './handler/environment.ts';
import { givenHost } from './handler/given-host.ts';
import { requestSpans } from './observe/request-spans.ts';
import { watchRequests } from './observe/watch-requests.ts';
import type { InferRequest } from './protocol/infer-request.ts';
import type { Inference } from './protocol/infer-response.ts';
import { createOrtSession, prepareOrt } from './session/ort.ts';
import type { Runtime, SessionFactory } from './session/session.ts';

export interface InferenceHandler extends MiddyfiedHandler<unknown, unknown> {
  /** Answers a request in this process. Never rejects: whatever fails is an answer with a code. */
  fetch(request: Request, options?: { signal?: AbortSignal; requestId?: string }): Promise<Response>;
  /** What it takes: kind, content types and limits. */
  readonly input: InferenceFunction['input'];
  /** What it answers with: `tensors`, a format of `stream()`, or `custom`. */
  readonly output: InferenceFunction['output'];
  /** Fetches the models, opens their sessions and runs the function’s own `warm`. */
  warm(): Promise<void>;
  /** Resolves when what was captured so far is written: for a host that ends. Never rejects. */
  written(): Promise<void>;
  /**
   * Resolves when this environment may end its init: at once on demand, warm where it stands by or a snapshot is taken of
   * it. `init.mjs` in each bundle waits for it.
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
    ? () => new Environment(given.contract, { create: given.createSession }, given)
    : sharedEnvironment;
  const contract = readContract();
  const { onLambda, streams, workers, queue, largeBodies, initialization, functionName = 'function' } = contract;
  const { namedRoutes = false } = contract;
  const freezes = onLambda && workers === undefined;
  const coldStages = () => coldStart.stages;
  const watch =
    onLambda && !given ? watchRequests(contract, { functionName, log: consoleLog, coldStages }) : traceRequest;
  const write = options.capture && writeRecord(given?.contract ?? contract);
  const fn = defineFunction(timed(options), environment, write, watch);
  const { warm, written, input, output } = fn;
  // On Lambda a module is loaded to be invoked: the bytes travel while the runtime goes on starting.
  if (onLambda) {
    void warm();
    // The module that calls this is still being loaded.
    queueMicrotask(() => coldStart.imported());
  }
  const snapshot = once(async () => {
    const { snapshotOf } = await import('./handler/snapshot.ts');
    const exit = () => process.exit(1);
    return snapshotOf({ fn, environment: sharedEnvironment, hooks: options.snapshot, readContract, exit });
  });
  let restored: Promise<void> | undefined;
  const restore = () => (restored ??= snapshot().then((taken) => taken.after()));
  const beforeSnapshot = async () => await (await snapshot()).before();

  const outlet = once(() => openOutlet(options.queue?.callbacks));
  const later = queue === undefined ? undefined : async () => ({ ...(await outlet()), queue });
  const large = largeBodies === undefined ? undefined : once(() => openLargeBodies(input));
  const streaming = onLambda && streams;
  const answer = streaming ? streamEvent : answerEvent;
  const handler = middy(async (event: unknown, context: LambdaContext) => {
    // The first request of a function with SnapStart comes after a restore, always.
    if (initialization === 'snap-start') await restore();
    const host = {
      outlet,
      later,
      large,
      namedRoutes,
      places: openPlaces,
      warm,
      answered: freezes ? flushSpans : undefined,
    };
    const answered = () => answer(fn.answer, event, context, host);
    return onLambda && !coldStart.isOver ? await first(answered, context) : await answered();
  });
  return Object.assign(streaming ? streamed(handler) : handler, {
    warm,
    written,
    input,
    output,
    fetch: (request: Request, given = {}) => fn.fetch(request, createContext(given)),
    async initialized() {
      if (initialization === 'provisioned-concurrency' || initialization === 'lambda-managed-instances') await warm();
      if (initialization !== 'snap-start') return;
      coldStart.drop();
      await beforeSnapshot();
    },
    beforeSnapshot,
    afterRestore() {
      restored = undefined;
      return restore();
    },
  });
}

/** The first request is the last stage of a cold start. */
async function first<T>(
  answer: () => Promise<T>,
  { functionName, awsRequestId: requestId }: LambdaContext,
): Promise<T> {
  const answered = await coldStart.record('request', {}, async () => {
    // A decode of the owner's is handed a Request, which loads undici: 20 ms in which no connection could be made.
    await sharedEnvironment().asked();
    return await answer();
  });
  const ids = { requestId, ...invocationFields({ invocationId: requestId, xray: invocationTrace() }) };
  coldStart.finish(withFields(consoleLog, ids), functionName, Date.now());
  return answered;
}

/** @throws GlowplugError CONFIG_INVALID */
async function openOutlet(callbacks: readonly string[] = []): Promise<Outlet> {
  const { openResults } = await import('./results/results.ts');
  const contract = readContract();
  return { ...contract, results: openResults(contract), callbacks };
}

/** @throws GlowplugError CONFIG_INVALID */
async function openLargeBodies({ accepts, maxBytes }: InferenceFunction['input']): Promise<LargeBodies> {
  const { openResults } = await import('./results/results.ts');
  const contract = readContract();
  const results = openResults({ ...contract, results: contract.largeBodies });
  return { results, maxBytes: maxBytes ?? accepts?.limits['maxBytes'] ?? UPLOAD_BYTES };
}

/** Of an upload whose size only the function's own decode knows. */
const UPLOAD_BYTES = 100 * 1024 * 1024;

/** Undefined where the environment names no place for captured requests. */
function writeRecord({ capture, ...contract }: Contract): WriteRecord | undefined {
  if (capture === undefined) return undefined;
  const writer = once(async () => (await import('./results/capture-writer.ts')).captureWriter(capture, contract));
  return async (key, record) => await (await writer())(key, record);
}

/** Of this process, whose functions are one module each on Lambda. */
const coldStart = new ColdStart(bundleBegan, systemClock, askedAt);
let shared: Environment | undefined;

/** @throws GlowplugError CONFIG_INVALID */
async function openPlaces({ transform: { from, to } }: TransformEvent): Promise<Places> {
  const { openResults } = await import('./results/results.ts');
  const contract = readContract();
  return { from: openResults({ ...contract, results: from }), to: openResults({ ...contract, results: to }) };
}

/** The owner's own `warm` is a stage of the cold start. */
function timed<M extends References, I, O>(options: FunctionOptions<M, I, O>): FunctionOptions<M, I, O> {
  const { warm } = options;
  return warm ? { ...options, warm: (models) => coldStart.record('warm', {}, () => warm(models)) } : options;
}

/** All that becomes of a request where no lines are written of it. */
const traceRequest: Watch = async (request, asked) => (await requestSpans())?.traceRequest(request, asked);

const flushSpans = async (leftMs: number) => await (await requestSpans())?.flushSpans(leftMs);

/** The functions of one process share one memory budget. */
function sharedEnvironment(): Environment {
  if (shared) return shared;
  const contract = readContract();
  const runtime = contract.workers === undefined ? inThisThread : { create: inItsOwnThread(contract.provider) };
  shared = new Environment(contract, runtime, contract.onLambda ? { coldStart } : {});
  return shared;
}

const inThisThread: Runtime = { prepare: prepareOrt, create: createOrtSession };

/** Where requests meet: a run blocks its thread, and the others would wait for more than the model. */
function inItsOwnThread(provider: Contract['provider']): SessionFactory {
  return async (modelPath, options) => {
    const { createWorkerSession } = await import('./session/worker.ts');
    const session = await createWorkerSession(
      modelPath,
      { ...options, provider },
      {
        onStuck: (error) => {
          consoleLog.error('a run is stuck: this environment ends and is replaced', { error: String(error) });
          setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
        },
      },
    );
    if (session.picked) consoleLog.info('a model was opened', { ...session.picked });
    return session;
  };
}

/** For the answers of those who waited: they have been told, and the answers are on their way. */
const LAST_WORDS_MS = 500;
