// A new weight; the array says its element type.
import { type TensorProto, TensorProto_DataType as Type } from 'onnx-buf';
import { makeTensor } from './tensor-values.ts';

export type WeightArray = Float32Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

export function newWeight(name: string, shape: readonly number[], data: WeightArray): TensorProto {
  return makeTensor(name, { elemType: typeOf(data), shape, data });
}

function typeOf(data: WeightArray): number {
  if (data instanceof Float32Array) return Type.FLOAT;
  if (data instanceof Int8Array) return Type.INT8;
  if (data instanceof Uint8Array) return Type.UINT8;
  return data instanceof Int32Array ? Type.INT32 : Type.INT64;
}
