// An inference request of the Open Inference Protocol, as JSON.
import { GlowplugError, shorten } from '../core/errors.ts';
import { decodeTensor, parseTensorJson } from '../tensor/json.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';

export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: Tensors;
  /** The outputs asked for; undefined asks for all. */
  readonly outputs: readonly string[] | undefined;
}

/** @throws GlowplugError INPUT_JSON, INPUT_TENSOR */
export function parseInferRequest(text: string): InferRequest {
  const body = parseTensorJson(text);
  if (!isRecord(body)) throw malformed('a JSON object', body);
  if (!Array.isArray(body['inputs']) || body['inputs'].length === 0)
    throw malformed('"inputs", an array of tensors', body['inputs']);
  const inputs: Record<string, Tensor> = Object.create(null);
  for (const input of body['inputs']) {
    if (!isRecord(input)) throw malformed('each input as an object', input);
    const { name, datatype, shape, data } = input;
    if (typeof name !== 'string' || name === '') throw malformed('each input with a "name"', name);
    if (name in inputs) throw malformed('each input once', name);
    inputs[name] = decodeTensor(name, datatype, shape, data);
  }
  const id = body['id'];
  if (id !== undefined && typeof id !== 'string') throw malformed('"id" as a string', id);
  return { id, inputs: { ...inputs }, outputs: outputNames(body['outputs']) };
}

function outputNames(outputs: unknown): string[] | undefined {
  if (outputs === undefined) return undefined;
  if (!Array.isArray(outputs)) throw malformed('"outputs" as an array', outputs);
  const names = outputs.map((output) => {
    if (!isRecord(output) || typeof output['name'] !== 'string') throw malformed('each output with a "name"', output);
    return output['name'];
  });
  if (new Set(names).size !== names.length) throw malformed('each output once', names);
  return names.length > 0 ? names : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(expected: string, got: unknown): GlowplugError {
  return new GlowplugError('INPUT_TENSOR', `expected ${expected}, got ${shorten(got)}`);
}
