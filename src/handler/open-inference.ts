// The Open Inference Protocol over a function's models.
import { readText } from '../core/body.ts';
import { GlowplugError, shorten } from '../core/errors.ts';
import { type InferRequest, parseInferRequest } from '../protocol/infer-request.ts';
import { type Inference, inferResponse } from '../protocol/infer-response.ts';
import { modelMetadata, serverMetadata } from '../protocol/metadata.ts';
import { parseRoute } from '../protocol/routes.ts';
import type { Model } from './model.ts';

/** @throws GlowplugError NOT_FOUND, METHOD_NOT_ALLOWED, MODEL_NOT_FOUND, and what reading and running throw */
export async function openInference(
  request: Request,
  models: readonly Model[],
  warm: () => Promise<void>,
): Promise<Response> {
  const route = parseRoute(request.method, new URL(request.url).pathname);
  switch (route.kind) {
    case 'server':
      return Response.json(serverMetadata());
    case 'live':
      return new Response();
    case 'ready':
      await warm();
      await Promise.all(models.map((model) => model.warm()));
      return new Response();
  }
  const { model, locked } = await find(models, route.model, route.version);
  switch (route.kind) {
    case 'metadata':
      return Response.json(modelMetadata(locked.model, locked.version, locked.signature));
    case 'model-ready':
      await model.warm();
      return new Response();
    case 'infer':
      return inferResponse(await inferOnce(model, parseInferRequest(await readText(request))));
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
  const { model: name, version } = await model.locked();
  return { kind: 'inference', model: name, version, request, outputs: await model.run(request.inputs) };
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

function isInferRequest(value: unknown): value is InferRequest {
  return typeof value === 'object' && value !== null && 'inputs' in value;
}
