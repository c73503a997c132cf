// A new weight, its elements in raw_data: little-endian, as the machines are that write it.
import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProtoSchema, TensorProto_DataType as Type } from 'onnx-buf';

export type WeightArray = Float32Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

export function makeTensor(name: string, dims: readonly number[], data: WeightArray): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: typeOf(data),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

function typeOf(data: WeightArray): number {
  if (data instanceof Float32Array) return Type.FLOAT;
  if (data instanceof Int8Array) return Type.INT8;
  if (data instanceof Uint8Array) return Type.UINT8;
  return data instanceof Int32Array ? Type.INT32 : Type.INT64;
}
