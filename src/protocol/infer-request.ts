// An inference request of the Open Inference Protocol: JSON, and after it the bytes of its binary tensors.
import { shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import { decodeTensor, parseTensorJson } from '../tensor/json.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';
import { BinaryTail } from './binary-tail.ts';
import { malformed } from './malformed.ts';
import { readFlag, readParameters, refuseExtensions } from './parameters.ts';

export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: Tensors;
  /** The outputs asked for; undefined asks for all. */
  readonly outputs: readonly string[] | undefined;
  /** The outputs that are to come as bytes. @default none */
  readonly binary?: readonly string[] | 'all';
}

/**
 * @param tail what follows the JSON: the bytes of the inputs that say `binary_data_size`, in their order
 * @throws GlowplugError INPUT_JSON, INPUT_TENSOR
 */
export function parseInferRequest(text: string, tail: Uint8Array = new Uint8Array()): InferRequest {
  const body = parseTensorJson(text);
  if (!isRecord(body)) throw malformed('a JSON object', body);
  const id = body['id'];
  if (id !== undefined && typeof id !== 'string') throw malformed('"id" as a string', id);
  const allBinary = readFlag(readParameters('the request', body['parameters']), 'binary_data_output') ?? false;
  return { id, inputs: readInputs(body['inputs'], new BinaryTail(tail)), ...readOutputs(body['outputs'], allBinary) };
}

function readInputs(inputs: unknown, tail: BinaryTail): Tensors {
  if (!Array.isArray(inputs) || inputs.length === 0) throw malformed('"inputs", an array of tensors', inputs);
  const tensors = new Map<string, Tensor>();
  for (const input of inputs) {
    if (!isRecord(input)) throw malformed('each input as an object', input);
    const { name, datatype, shape, data } = input;
    if (typeof name !== 'string' || name === '') throw malformed('each input with a "name"', name);
    if (tensors.has(name)) throw malformed('each input once', name);
    const parameters = readParameters(`input ${shorten(name)}`, input['parameters']);
    refuseExtensions(`input ${shorten(name)}`, parameters);
    const size = parameters['binary_data_size'];
    if (size !== undefined && data !== undefined) {
      throw malformed(`input ${shorten(name)} with "data" or "binary_data_size"`, 'both');
    }
    tensors.set(
      name,
      size === undefined ? decodeTensor(name, datatype, shape, data) : tail.take(name, datatype, shape, size),
    );
  }
  tail.end();
  return Object.fromEntries(tensors);
}

function readOutputs(outputs: unknown, allBinary: boolean): Pick<InferRequest, 'outputs' | 'binary'> {
  if (outputs !== undefined && !Array.isArray(outputs)) throw malformed('"outputs" as an array', outputs);
  if (outputs === undefined || outputs.length === 0) {
    return { outputs: undefined, ...(allBinary ? { binary: 'all' } : {}) };
  }
  const names = new Map<string, boolean>();
  for (const output of outputs) {
    const name = isRecord(output) ? output['name'] : undefined;
    if (!isRecord(output) || typeof name !== 'string') throw malformed('each output with a "name"', output);
    if (names.has(name)) throw malformed('each output once', name);
    const parameters = readParameters(`output ${shorten(name)}`, output['parameters']);
    refuseExtensions(`output ${shorten(name)}`, parameters);
    names.set(name, readFlag(parameters, 'binary_data') ?? allBinary);
  }
  return { outputs: [...names.keys()], binary: [...names].flatMap(([name, binary]) => (binary ? [name] : [])) };
}
