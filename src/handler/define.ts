// What a function's owner writes, and what comes out: something that answers requests and can be warmed.
import { GlowplugError } from '../core/errors.ts';
import { type HttpRequest, type HttpResponse, LightResponse, standardResponse } from '../core/light-http.ts';
import { once } from '../core/once.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import type { Inference } from '../protocol/infer-response.ts';
import { isProtocolPath } from '../protocol/is-protocol-path.ts';
import { Capture, type CaptureOptions, type WriteRecord } from './capture.ts';
import type { Context } from './context.ts';
import { type Input, tensors } from './input.ts';
import type { Model, ModelHost, Models } from './model.ts';
import type { ModelUse, Spelled } from './model-use.ts';
import type { Served } from './open-inference.ts';
import { decodeWith } from './own-decode.ts';
import { answer, pipeline, type Verbs } from './pipeline.ts';
import type { Tell } from './request-trace.ts';
import { Serving } from './serving.ts';
import { type StreamFormat, streamFormat } from './stream.ts';
import { withHeader } from './with-header.ts';

export type References = Readonly<Record<string, ModelUse>>;

export interface FunctionOptions<M extends References, I, O> {
  /**
   * Name in the code → reference: `{ iris: 'iris:prod' }`. Written out, so that the bundle finds what to pin. With more than
   * the reference, `{ iris: { model: 'iris:prod', follow: { every: 60 } } }`, moves of the channel reach the function; with
   * `batch: { objective: { p95: 100 } }` requests that meet share runs.
   */
  readonly models?: M & { readonly [Name in keyof M]: Spelled<M[Name]> };
  /**
   * Decode: what a request's body is: `json(schema)`, `image()`, `tensors()`, or a decode of your own.
   * @default tensors()
   */
  readonly input?: Input<I>;
  /** @default the one model runs on the tensors that came */
  predict?(input: NoInfer<I>, models: Models<M>, context: Context): Promise<O> | O;
  /** @default JSON; the protocol's answer when predict is the default too */
  encode?(output: O, context: Context): Promise<Response> | Response;
  /** Keeps what you name of a share of the requests, for drift and accuracy. It goes where GLOWPLUG_CAPTURE says. @default nothing is kept */
  readonly capture?: CaptureOptions<NoInfer<I>, O>;
  /** What to do before the first request, beside fetching the models and opening their sessions. */
  warm?(models: Models<M>): Promise<void> | void;
  /** Around a SnapStart snapshot: what your own code holds of the outside world. */
  readonly snapshot?: SnapshotHooks;
  /**
   * Answer the Open Inference Protocol (/v2/…) for every model.
   * @default true without a decode and predict of your own, else false: raw tensors go past your checks
   */
  readonly oip?: boolean | ProtocolOptions;
  /**
   * Open each model's session at its first run instead of before the first request: for many models, of which the memory
   * holds some. @default false
   */
  readonly onDemand?: boolean;
  /** For requests that come through a queue. They need no option: their results go where the deployment says. */
  readonly queue?: QueueOptions;
}

export interface ProtocolOptions {
  /** Load and unload models by POST /v2/repository/models/{model}/load and …/unload. @default false */
  readonly control?: boolean;
}

export interface QueueOptions {
  /**
   * Origins that a message may name as its `callback`, such as `https://hooks.example.com`.
   * @default none
   */
  readonly callbacks?: readonly string[];
}

export interface SnapshotHooks {
  /** After `warm`: close connections, forget secrets. */
  before?(): Promise<void> | void;
  /** Before the first request of each environment that is made of the snapshot. */
  after?(fresh: Fresh): Promise<void> | void;
}

export interface Fresh {
  /** 32 bytes of the kernel's, others in each environment. Node’s own generators go on where the snapshot was taken: reseed yours. */
  readonly seed: Uint8Array;
}

export interface InferenceFunction {
  /** What it takes, for whoever makes a form or an API description of it. */
  readonly input: Pick<Input<unknown>, 'kind' | 'accepts' | 'maxBytes' | 'jsonSchema'>;
  /** What it answers with: the protocol's tensors, parts as stream() sends them, or whatever its owner encodes. */
  readonly output: 'tensors' | StreamFormat | 'custom';
  /** Answers a request. Never rejects. */
  answer(request: HttpRequest, context: Context): Promise<HttpResponse>;
  /** The same with the platform's own answer. */
  fetch(request: Request, context: Context): Promise<Response>;
  /** Never rejects: what fails is logged, and tried again by the request that needs it. */
  warm(): Promise<void>;
  /** Resolves when what was captured so far is written. Never rejects. */
  written(): Promise<void>;
  /** Resolves when what `warm` began beside the models that answer is over, too. Never rejects. */
  settled(): Promise<void>;
  /** This environment was made of a snapshot: what was seen of the store is looked at again. */
  restored(): void;
}

/** Hears that a request begins; what it answers hears of its end. */
export type Watch = (request: HttpRequest, context: Context) => Promise<Tell | undefined> | Tell | undefined;

/** @throws GlowplugError CONFIG_INVALID for options that contradict each other */
export function defineFunction<const M extends References, I = InferRequest, O = Inference>(
  options: FunctionOptions<M, I, O>,
  host: () => ModelHost,
  write?: WriteRecord,
  watch?: Watch,
): InferenceFunction {
  return define(options, host, write, watch);
}

/** The same with the types erased: from here on only the order of the verbs matters. */
function define(
  options: FunctionOptions<References, unknown, unknown>,
  host: () => ModelHost,
  write: WriteRecord | undefined,
  watch: Watch | undefined,
): InferenceFunction {
  const count = Object.keys(options.models ?? {}).length;
  const { predict, encode } = options;
  if (!predict && count !== 1) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a predict, or exactly one model that runs without it; got ${count} models`,
    );
  }
  // The host not before the first use: importing a function does nothing.
  const serving = new Serving(options.models ?? {}, once(host), options.warm, options.onDemand);
  const input = options.input ?? tensors();
  const capture = options.capture && write && new Capture(options.capture, write);
  const verbs = (models: Readonly<Record<string, Model>>, pathname: string): Verbs<unknown, unknown> => ({
    warm: () => serving.warm(),
    decode(request, context) {
      if (input.kind !== 'custom') onlyPost(request, pathname);
      return decodeWith(input, request, context);
    },
    async predict(decoded, context) {
      const output = predict
        ? await predict(decoded, models, context)
        : await (await tensorSpeech()).inferOnce(Object.values(models)[0]!, decoded);
      capture?.see(decoded, output, context);
      return output;
    },
    async encode(output, context) {
      if (encode) return await encode(output, context);
      return predict ? LightResponse.json(output) : await (await tensorSpeech()).encodeInference(output);
    },
  });
  const statistics = once(async () => new (await tensorSpeech()).Statistics());
  const protocol = options.oip ?? (!options.input && !predict);
  const control = typeof options.oip === 'object' && options.oip.control === true;
  const respond = async (request: HttpRequest, context: Context): Promise<HttpResponse> => {
    const { trace } = context;
    trace.joins(request.headers.get('traceparent'));
    const { pathname } = new URL(request.url);
    // Whether it is ready is asked of every function, by hosts and load balancers.
    const isProtocol = pathname === '/v2/health/ready' || (protocol !== false && isProtocolPath(pathname));
    // Health and metadata are asked by machines, all day long.
    const tell = !isProtocol || pathname.endsWith('/infer') ? await watch?.(request, context) : undefined;
    const { models, stamp } = serving.forRequest(request, context);
    const within = async (work: () => Promise<HttpResponse>): Promise<HttpResponse> => {
      const response = stamp(await trace.within(work));
      await capture?.answered(context, response);
      await trace.end(response.status, tell);
      // By this id glowplug explain finds it: a front door has one of its own.
      return withHeader(response, 'x-request-id', context.requestId);
    };
    if (isProtocol) {
      const { maxBytes } = input;
      const named = Object.entries(models);
      const served: Omit<Served, 'statistics'> = {
        models: Object.values(models),
        maxBytes,
        control,
        onDemand: options.onDemand ?? false,
        slotOf: (model) => serving.slot(named.find(([, one]) => one === model)?.[0] ?? ''),
        warm: () => serving.warm(),
        // With a decode or predict of its own, `of` is not written for tensors.
        ...(options.input || predict ? {} : { ran: (input, output) => capture?.see(input, output, context) }),
        mark: (stage) => trace.mark(stage),
      };
      return await within(() =>
        answer(context, async () => {
          const { openInference } = await tensorSpeech();
          return await openInference(request, { ...served, statistics: await statistics() });
        }),
      );
    }
    return await within(() => pipeline(verbs(models, pathname), request, context));
  };
  return {
    input,
    output: encode ? (streamFormat(encode) ?? 'custom') : predict ? 'custom' : 'tensors',
    warm: () => serving.warm(),
    settled: () => serving.settled(),
    restored: () => serving.restored(),
    written: async () => await capture?.written(),
    answer: respond,
    fetch: async (request, context) => standardResponse(await respond(request, context)),
  };
}

/** Most requests of most functions speak none: it is loaded by the first that does. */
const tensorSpeech = () => import('./open-inference.ts');

function onlyPost(request: HttpRequest, pathname: string): void {
  if (isProtocolPath(pathname)) {
    throw new GlowplugError('NOT_FOUND', 'the Open Inference Protocol is off for this function', {
      remedy: 'POST the input to /, or set oip: true in the function.',
    });
  }
  if (request.method === 'POST') return;
  throw new GlowplugError('METHOD_NOT_ALLOWED', `expected POST, got ${request.method}`, { headers: { allow: 'POST' } });
}
