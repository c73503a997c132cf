// An inference answer of the Open Inference Protocol: JSON, and after it the bytes of the outputs asked for as bytes.
import { GlowplugError, shorten } from '../core/errors.ts';
import { LightResponse } from '../core/light-http.ts';
import { encodeBinary } from '../tensor/binary.ts';
import { encodeTensor, tensorHead } from '../tensor/json.ts';
import type { Tensors } from '../tensor/tensor.ts';
import { compress } from './compress.ts';
import type { InferRequest } from './infer-request.ts';
import { HEADER_LENGTH } from './read-infer-request.ts';

/** What a model answered, and to what. */
export interface Inference {
  readonly kind: 'inference';
  readonly model: string;
  readonly version: string;
  readonly request: InferRequest;
  readonly outputs: Tensors;
}

/**
 * @param acceptEncoding the request's header; JSON is compressed when it allows that and it pays
 * @throws GlowplugError INPUT_TENSOR for an output that the model does not have, OUTPUT_JSON for what JSON cannot carry
 */
export async function inferResponse(
  inference: Inference,
  acceptEncoding: string | null = null,
): Promise<LightResponse> {
  const { json, tail } = encode(inference);
  if (tail.length === 0) {
    const { body, headers } = await compress(json, acceptEncoding);
    return new LightResponse(body, { headers: { 'content-type': 'application/json', ...headers } });
  }
  const head = Buffer.from(json);
  return new LightResponse(Buffer.concat([head, ...tail]), {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: `${head.byteLength}` },
  });
}

/** @throws GlowplugError INPUT_TENSOR for a name that is not among `has` */
export function checkOutputs(request: InferRequest, has: readonly string[]): void {
  const unknown = request.outputs?.find((name) => !has.includes(name));
  if (unknown === undefined) return;
  throw new GlowplugError('INPUT_TENSOR', `expected outputs ${shorten(has)}, got ${shorten(unknown)}`);
}

function encode({ model, version, request, outputs }: Inference): { json: string; tail: Uint8Array[] } {
  checkOutputs(request, Object.keys(outputs));
  const { binary = [] } = request;
  const tail: Uint8Array[] = [];
  const encoded = (request.outputs ?? Object.keys(outputs)).map((name) => {
    const tensor = outputs[name]!;
    if (binary !== 'all' && !binary.includes(name)) return encodeTensor(name, tensor);
    const bytes = encodeBinary(tensor);
    tail.push(bytes);
    return `${tensorHead(name, tensor)},"parameters":{"binary_data_size":${bytes.byteLength}}}`;
  });
  const id = request.id === undefined ? '' : `"id":${JSON.stringify(request.id)},`;
  const head = `{"model_name":${JSON.stringify(model)},"model_version":${JSON.stringify(version)},${id}`;
  return { json: `${head}"outputs":[${encoded.join(',')}]}`, tail };
}
