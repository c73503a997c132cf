// What the generated models of the benchmarks are made of. Weights are small, fixed numbers: only time is measured.
import { create } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType as Type } from 'onnx-buf';
import { type Graph, type Node, value, type Weight } from '../../models/graph/parts.ts';
import { writeModel } from '../../src/onnx/write.ts';

export { type Graph as GraphInit, type Node as NodeInit, value, type Weight as TensorInit };

export function modelBytes(graph: Graph): Uint8Array {
  return writeModel(create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph }));
}

/** Numbers between ±`scale`, the same for the same name and length. */
export function weights(name: string, dims: readonly number[], scale: number): Weight {
  const data = new Float32Array(dims.reduce((product, length) => product * length, 1));
  let state = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (state / 2 ** 31 - 1) * scale;
  }
  return {
    name,
    dataType: Type.FLOAT,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(data.buffer),
  };
}

export function integers(name: string, values: readonly number[]): Weight {
  return { name, dataType: Type.INT64, dims: [BigInt(values.length)], int64Data: values.map(BigInt) };
}
