// The weights of a graph by name, whether it keeps them as initialisers or, as Paddle does, in Constant nodes.
import { type GraphProto, type TensorProto, TensorProto_DataLocation, TensorProto_DataType as Type } from 'onnx-buf';

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

/** The elements as floats; undefined where they are of another type or lie in another file. */
export function floatsOf({ dataType, dataLocation, rawData, floatData }: TensorProto): Float32Array | undefined {
  if (dataType !== Type.FLOAT || dataLocation === TensorProto_DataLocation.EXTERNAL) return undefined;
  if (rawData.length === 0) return Float32Array.from(floatData);
  if (rawData.length % 4 !== 0) return undefined;
  // A copy: raw_data begins anywhere in the file, a Float32Array at multiples of four.
  return new Float32Array(new Uint8Array(rawData).buffer);
}

export function dimsOf({ dims }: TensorProto): number[] {
  return dims.map(Number);
}
