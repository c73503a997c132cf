// The elements of a tensor in an ONNX file as a typed array, wherever the file keeps them, and back.
import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema, TensorProto_DataType as Type } from 'onnx-buf';

export type Elements =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** FLOAT16 and BFLOAT16 are held as their bits, BOOL as 0 or 1. */
export interface TensorValues {
  readonly elemType: number;
  readonly shape: readonly number[];
  readonly data: Elements;
}

const arrays = {
  [Type.FLOAT]: Float32Array,
  [Type.DOUBLE]: Float64Array,
  [Type.INT8]: Int8Array,
  [Type.UINT8]: Uint8Array,
  [Type.BOOL]: Uint8Array,
  [Type.INT16]: Int16Array,
  [Type.UINT16]: Uint16Array,
  [Type.FLOAT16]: Uint16Array,
  [Type.BFLOAT16]: Uint16Array,
  [Type.INT32]: Int32Array,
  [Type.UINT32]: Uint32Array,
  [Type.INT64]: BigInt64Array,
  [Type.UINT64]: BigUint64Array,
} as const;

/** Whether tensors of this element type can be read and made here: numbers of whole bytes. */
function isReadable(elemType: number): elemType is keyof typeof arrays {
  return elemType in arrays;
}

export function bytesPerElement(elemType: number): number | undefined {
  return isReadable(elemType) ? arrays[elemType].BYTES_PER_ELEMENT : undefined;
}

/** An array of zeros for the element type. */
export function newElements(elemType: number, length: number): Elements | undefined {
  return isReadable(elemType) ? new arrays[elemType](length) : undefined;
}

/**
 * Undefined for what cannot be read from the file: weights apart, text, elements of less than a byte, and tensors whose
 * bytes are not what their shape says. A view of the file's bytes where their address allows one: do not write to it.
 */
export function readTensor(tensor: TensorProto): TensorValues | undefined {
  const elemType = tensor.dataType;
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.segment || !isReadable(elemType)) {
    return undefined;
  }
  const shape = tensor.dims.map(Number);
  if (shape.some((length) => length < 0)) return undefined;
  const data = tensor.rawData.length > 0 ? fromRaw(elemType, tensor.rawData) : fromLists(tensor, elemType);
  return data?.length === elementCount(shape) ? { elemType, shape, data } : undefined;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function makeTensor(name: string, { elemType, shape, data }: TensorValues): TensorProto {
  const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return create(TensorProtoSchema, { name, dataType: elemType, dims: shape.map(BigInt), rawData });
}

export function int64s(values: readonly number[], shape: readonly number[] = [values.length]): TensorValues {
  return { elemType: Type.INT64, shape, data: BigInt64Array.from(values, BigInt) };
}

function fromRaw(elemType: keyof typeof arrays, raw: Uint8Array<ArrayBuffer>): Elements | undefined {
  const array = arrays[elemType];
  const size = array.BYTES_PER_ELEMENT;
  if (raw.length % size !== 0) return undefined;
  // A copy where the place in the file is odd; slice() of a Buffer would be a view.
  const bytes = raw.byteOffset % size === 0 ? raw : new Uint8Array(raw);
  return new array(bytes.buffer, bytes.byteOffset, bytes.length / size);
}

function fromLists(tensor: TensorProto, elemType: keyof typeof arrays): Elements {
  switch (elemType) {
    case Type.FLOAT:
      return Float32Array.from(tensor.floatData);
    case Type.DOUBLE:
      return Float64Array.from(tensor.doubleData);
    case Type.INT64:
      return BigInt64Array.from(tensor.int64Data);
    case Type.UINT64:
      return BigUint64Array.from(tensor.uint64Data);
    case Type.UINT32:
      return Uint32Array.from(tensor.uint64Data, Number);
    default:
      return arrays[elemType].from(tensor.int32Data);
  }
}
