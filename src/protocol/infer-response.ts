// An inference answer of the Open Inference Protocol, as JSON.
import { GlowplugError, shorten } from '../core/errors.ts';
import { encodeTensor } from '../tensor/json.ts';
import type { Tensors } from '../tensor/tensor.ts';
import type { InferRequest } from './infer-request.ts';

/** What a model answered, and to what. */
export interface Inference {
  readonly kind: 'inference';
  readonly model: string;
  readonly version: string;
  readonly request: InferRequest;
  readonly outputs: Tensors;
}

/** @throws GlowplugError INPUT_TENSOR for an output that the model does not have, OUTPUT_JSON for NaN and Infinity */
export function inferResponse({ model, version, request, outputs }: Inference): Response {
  const names = request.outputs ?? Object.keys(outputs);
  const encoded = names.map((name) => {
    const tensor = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    if (tensor) return encodeTensor(name, tensor);
    throw new GlowplugError('INPUT_TENSOR', `expected outputs ${shorten(Object.keys(outputs))}, got ${shorten(name)}`);
  });
  const id = request.id === undefined ? '' : `"id":${JSON.stringify(request.id)},`;
  const head = `{"model_name":${JSON.stringify(model)},"model_version":${JSON.stringify(version)},${id}`;
  return new Response(`${head}"outputs":[${encoded.join(',')}]}`, { headers: { 'content-type': 'application/json' } });
}

export function isInference(value: unknown): value is Inference {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'inference' && 'request' in value
  );
}
