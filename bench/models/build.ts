// What the generated models of the benchmarks are made of. Weights are small, fixed numbers: only time is measured.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type GraphProto,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type NodeProtoSchema,
  type TensorProto,
  type TensorProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { writeModel } from '../../src/onnx/write.ts';

export type GraphInit = Exclude<MessageInitShape<typeof GraphProtoSchema>, GraphProto>;
export type NodeInit = Exclude<MessageInitShape<typeof NodeProtoSchema>, NodeProto>;
export type TensorInit = Exclude<MessageInitShape<typeof TensorProtoSchema>, TensorProto>;

export function modelBytes(graph: GraphInit): Uint8Array {
  return writeModel(create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph }));
}

export function value(name: string, elemType: number, shape: readonly (number | string)[]) {
  const dim = shape.map((length) => ({
    value:
      typeof length === 'string'
        ? { case: 'dimParam' as const, value: length }
        : { case: 'dimValue' as const, value: BigInt(length) },
  }));
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } } };
}

/** Numbers between ±`scale`, the same for the same name and length. */
export function weights(name: string, dims: readonly number[], scale: number): TensorInit {
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

export function integers(name: string, values: readonly number[]): TensorInit {
  return { name, dataType: Type.INT64, dims: [BigInt(values.length)], int64Data: values.map(BigInt) };
}
