// What a function's owner writes, and what comes out: something that answers requests and can be warmed.
import { GlowplugError } from '../core/errors.ts';
import { consoleLog } from '../core/log.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import { type Inference, inferResponse, isInference } from '../protocol/infer-response.ts';
import { isProtocolPath } from '../protocol/routes.ts';
import type { Context } from './context.ts';
import { type Input, tensors } from './input.ts';
import { createModel, type Model, type ModelHost, type Models } from './model.ts';
import { inferOnce, openInference } from './open-inference.ts';
import { answer, pipeline, type Verbs } from './pipeline.ts';

export type References = Readonly<Record<string, string>>;

export interface FunctionOptions<M extends References, I, O> {
  /** Name in the code → reference: `{ iris: 'iris:prod' }`. Written out, so that the bundle finds what to pin. */
  readonly models?: M;
  /**
   * Decode: what a request's body is: `json(schema)`, `image()`, `tensors()`, or a decode of your own.
   * @default tensors()
   */
  readonly input?: Input<I>;
  /** @default the one model runs on the tensors that came */
  predict?(input: NoInfer<I>, models: Models<M>, context: Context): Promise<O> | O;
  /** @default JSON; the protocol's answer when predict is the default too */
  encode?(output: NoInfer<O>, context: Context): Promise<Response> | Response;
  /** What to do before the first request, beside fetching the models and opening their sessions. */
  warm?(models: Models<M>): Promise<void> | void;
  /**
   * Answer the Open Inference Protocol (/v2/…) for every model.
   * @default true without a decode and predict of your own, else false: raw tensors go past your checks
   */
  readonly oip?: boolean;
}

export interface InferenceFunction {
  /** Answers a request. Never rejects. */
  fetch(request: Request, context: Context): Promise<Response>;
  /** Never rejects: what fails is logged, and tried again by the request that needs it. */
  warm(): Promise<void>;
}

/** @throws GlowplugError CONFIG_INVALID for options that contradict each other */
export function defineFunction<const M extends References, I = InferRequest, O = Inference>(
  options: FunctionOptions<M, I, O>,
  host: () => ModelHost,
): InferenceFunction {
  return define(options, host);
}

/** The same with the types erased: from here on only the order of the verbs matters. */
function define(options: FunctionOptions<References, unknown, unknown>, host: () => ModelHost): InferenceFunction {
  const references = Object.entries(options.models ?? {});
  const { predict, encode } = options;
  if (!predict && references.length !== 1) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a predict, or exactly one model that runs without it; got ${references.length} models`,
    );
  }
  // Not before the first use: importing a function does nothing.
  const models = once(() =>
    Object.fromEntries(references.map(([name, reference]) => [name, createModel(reference, host())])),
  );
  const warm = once(() => warmUp(models(), options.warm));
  const input = options.input ?? tensors();
  const verbs: Verbs<unknown, unknown> = {
    warm,
    decode(request, context) {
      if (input.kind !== 'custom') onlyPost(request);
      return input.decode(request, context);
    },
    predict: (decoded, context) =>
      predict ? predict(decoded, models(), context) : inferOnce(Object.values(models())[0]!, decoded),
    encode: (output, context) =>
      encode ? encode(output, context) : isInference(output) ? inferResponse(output) : Response.json(output),
  };
  const protocol = options.oip ?? (!options.input && !predict);
  return {
    warm,
    async fetch(request, context) {
      const { pathname } = new URL(request.url);
      // Whether it is ready is asked of every function, by hosts and load balancers.
      if (pathname === '/v2/health/ready' || (protocol && isProtocolPath(pathname))) {
        return await answer(context, () => openInference(request, Object.values(models()), warm));
      }
      return await pipeline(verbs, request, context);
    },
  };
}

/** Every model at once, then what the owner adds. Never rejects. */
async function warmUp(models: Record<string, Model>, own: FunctionOptions<References, unknown, unknown>['warm']) {
  try {
    await Promise.all(Object.values(models).map((model) => model.warm()));
    await own?.(models);
  } catch (error) {
    consoleLog.warn('warming failed; the request that needs it tries again', { error: String(error) });
  }
}

function onlyPost(request: Request): void {
  if (isProtocolPath(new URL(request.url).pathname)) {
    throw new GlowplugError('NOT_FOUND', 'the Open Inference Protocol is off for this function', {
      remedy: 'POST the input to /, or set oip: true in the function.',
    });
  }
  if (request.method === 'POST') return;
  throw new GlowplugError('METHOD_NOT_ALLOWED', `expected POST, got ${request.method}`, { headers: { allow: 'POST' } });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
