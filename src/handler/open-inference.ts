// The Open Inference Protocol over a function's models, and the verbs of a function that has none of its own. Only what
// speaks tensors loads it.
import { GlowplugError, shorten } from '../core/errors.ts';
import { type HttpRequest, type HttpResponse, LightResponse } from '../core/light-http.ts';
import type { Signature } from '../core/signature.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import { checkOutputs, type Inference, inferResponse } from '../protocol/infer-response.ts';
import { live, modelConfig, modelMetadata, ready, serverMetadata } from '../protocol/metadata.ts';
import { readInferRequest } from '../protocol/read-infer-request.ts';
import { indexEntry, loadedEntry, readControlRequest, readIndexRequest } from '../protocol/repository-index.ts';
import { parseRoute, type Route } from '../protocol/routes.ts';
import type { Statistics, Stopwatch } from '../protocol/statistics.ts';
import type { Model } from './model.ts';

export { Statistics } from '../protocol/statistics.ts';

/** A model's session, as something that is open or not. */
export interface Slot {
  load(): Promise<void>;
  unload(): Promise<void>;
  isLoaded(): Promise<boolean>;
}

/** What the protocol is served over. */
export interface Served {
  readonly models: readonly Model[];
  readonly statistics: Statistics;
  /** Of a request's body. */
  readonly maxBytes: number | undefined;
  /** Models are loaded and unloaded by who asks. */
  readonly control: boolean;
  /** A model is opened by its first run: neither health nor the index opens it. */
  readonly onDemand: boolean;
  slotOf(model: Model): Slot | undefined;
  /** Hears of each inference. */
  ran?(input: InferRequest, output: Inference): void;
  warm(): Promise<void>;
  /** What was done since the last was this. */
  mark(stage: string): void;
}

/** @throws GlowplugError NOT_FOUND, METHOD_NOT_ALLOWED, MODEL_NOT_FOUND, MODEL_CONTROL_OFF, and what reading and running throw */
export async function openInference(request: HttpRequest, served: Served): Promise<HttpResponse> {
  const { models, statistics, maxBytes, warm } = served;
  const route = parseRoute(request.method, new URL(request.url).pathname);
  switch (route.kind) {
    case 'server':
      return LightResponse.json(serverMetadata(served.control));
    case 'live':
      return LightResponse.json(live);
    case 'ready':
      await warm();
      if (!served.onDemand) await Promise.all(models.map((model) => model.warm()));
      return LightResponse.json(ready);
    case 'index':
      return LightResponse.json(await repositoryIndex(request, served));
    case 'control':
      await control(request, served, route);
      return new LightResponse();
    case 'all-statistics': {
      const locked = await Promise.all(models.map((model) => model.locked()));
      const batching = await Promise.all(models.map((model) => model.batching()));
      const all = locked.map(({ model, version }, at) => statistics.of(model, version, batching[at]));
      return LightResponse.json({ model_stats: all });
    }
  }
  const { model, locked } = await find(models, route.model, route.version);
  switch (route.kind) {
    case 'metadata':
      return LightResponse.json(modelMetadata(locked.model, locked.version, locked.signature));
    case 'config':
      return LightResponse.json(modelConfig(locked.model, locked.signature));
    case 'statistics':
      return LightResponse.json({ model_stats: [statistics.of(locked.model, locked.version, await model.batching())] });
    case 'model-ready':
      await model.warm();
      return LightResponse.json({ name: locked.model, ...ready });
    case 'infer': {
      const limits = { maxBytes, signature: locked.signature, mark: served.mark };
      return await infer(request, model, statistics.start(locked.model, locked.version), limits, served.ran);
    }
  }
}

/** Runs one model on the tensors of a request. */
export async function inferOnce(model: Model, request: unknown): Promise<Inference> {
  if (!isInferRequest(request)) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected decode to give { inputs } for the model to run on, got ${shorten(Object.keys(Object(request)))}`,
      {
        remedy: 'Give the function a predict, or let decode answer { inputs, outputs: undefined, id: undefined }.',
      },
    );
  }
  const { model: name, version, signature } = await model.locked();
  // Before the run: what it would answer is known.
  checkOutputs(request, Object.keys(signature.outputs));
  return { kind: 'inference', model: name, version, request, outputs: await model.run(request.inputs) };
}

/** The answer to who asked without a function's own predict and encode. */
export async function encodeInference(output: unknown): Promise<HttpResponse> {
  return isInference(output) ? await inferResponse(output) : LightResponse.json(output);
}

async function infer(
  request: HttpRequest,
  model: Model,
  watch: Stopwatch,
  limits: { maxBytes: number | undefined; signature: Signature; mark: Served['mark'] },
  ran: Served['ran'],
): Promise<HttpResponse> {
  try {
    const input = await readInferRequest(request, limits);
    watch.lap('compute_input');
    limits.mark('decode');
    const inference = await inferOnce(model, input);
    ran?.(input, inference);
    watch.lap('compute_infer');
    limits.mark('predict');
    const response = await inferResponse(inference, request.headers.get('accept-encoding'));
    watch.lap('compute_output');
    limits.mark('encode');
    watch.succeed();
    return response;
  } catch (error) {
    watch.fail();
    throw error;
  }
}

async function control(
  request: HttpRequest,
  { models, control: allowed, slotOf }: Served,
  { model: name, action }: Extract<Route, { kind: 'control' }>,
): Promise<void> {
  if (!allowed) throw new GlowplugError('MODEL_CONTROL_OFF', 'loading and unloading over HTTP is off');
  await readControlRequest(request);
  const { model } = await find(models, name, undefined);
  await slotOf(model)?.[action]();
}

async function repositoryIndex(request: HttpRequest, { models, onDemand, slotOf, warm }: Served) {
  const { readyOnly } = await readIndexRequest(request);
  await warm();
  const entries = await Promise.all(
    models.map(async (model) => {
      const { model: name, version } = await model.locked();
      if (!onDemand) return await indexEntry(name, version, () => model.warm());
      return loadedEntry(name, version, (await slotOf(model)?.isLoaded()) ?? false);
    }),
  );
  return readyOnly ? entries.filter(({ state }) => state === 'READY') : entries;
}

async function find(models: readonly Model[], name: string, version: string | undefined) {
  const named = await Promise.all(models.map(async (model) => ({ model, locked: await model.locked() })));
  const found = named.find(({ locked }) => locked.model === name && (version ?? locked.version) === locked.version);
  if (found) return found;
  const served = named.map(({ locked }) => `${locked.model} ${locked.version}`).join(', ');
  throw new GlowplugError(
    'MODEL_NOT_FOUND',
    `expected one of ${served}; got ${shorten(version ? `${name} ${version}` : name)}`,
    {
      remedy: 'Ask for a model that the message names; GET /v2/models/{model} tells its signature.',
    },
  );
}

function isInference(value: unknown): value is Inference {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'inference';
}

function isInferRequest(value: unknown): value is InferRequest {
  return typeof value === 'object' && value !== null && 'inputs' in value;
}
