// The weights of a graph by name, whether it keeps them as initialisers or, as Paddle does, in Constant nodes.
import type { GraphProto, TensorProto } from 'onnx-buf';
import { readTensor } from './tensor-values.ts';

export function constantsOf({ initializer, node }: GraphProto): Map<string, TensorProto> {
  const constants = new Map<string, TensorProto>();
  for (const { opType, output, attribute } of node) {
    const tensor = opType === 'Constant' ? attribute.find(({ name }) => name === 'value')?.t : undefined;
    if (tensor && output[0]) constants.set(output[0], tensor);
  }
  // An initialiser that is listed as an input may be given anew by a caller: it is a default, and still what the graph was made with.
  for (const tensor of initializer) constants.set(tensor.name, tensor);
  return constants;
}

/** The elements as floats, not to be written to; undefined where they are of another type or lie in another file. */
export function floatsOf(tensor: TensorProto): Float32Array | undefined {
  const data = readTensor(tensor)?.data;
  return data instanceof Float32Array ? data : undefined;
}

export function dimsOf({ dims }: TensorProto): number[] {
  return dims.map(Number);
}
