// Cast of constants, where every runtime agrees on the result: what is out of the new type's range stays for the runtime.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { type Elements, newElements, type TensorValues } from '../../../onnx/tensor-values.ts';

const whole: ReadonlyMap<number, readonly [number, number]> = new Map([
  [Type.INT8, [-(2 ** 7), 2 ** 7 - 1]],
  [Type.UINT8, [0, 2 ** 8 - 1]],
  [Type.INT16, [-(2 ** 15), 2 ** 15 - 1]],
  [Type.UINT16, [0, 2 ** 16 - 1]],
  [Type.INT32, [-(2 ** 31), 2 ** 31 - 1]],
  [Type.UINT32, [0, 2 ** 32 - 1]],
  // Numbers past 2⁵³ are not exact on the way.
  [Type.INT64, [-(2 ** 53), 2 ** 53]],
  [Type.UINT64, [0, 2 ** 53]],
]);

export function castTo({ elemType: from, shape, data }: TensorValues, elemType: number): TensorValues | undefined {
  if (from === elemType) return { elemType, shape, data };
  const numbers = toNumbers(from, data);
  const result = numbers && fromNumbers(elemType, numbers);
  return result && { elemType, shape, data: result };
}

function toNumbers(elemType: number, data: Elements): ArrayLike<number> | undefined {
  if (elemType === Type.BFLOAT16) return undefined;
  if (elemType === Type.FLOAT16) return new Float16Array(data.buffer, data.byteOffset, data.length);
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return data;
  const numbers = Float64Array.from<bigint>(data, Number);
  return numbers.every((value) => Math.abs(value) <= 2 ** 53) ? numbers : undefined;
}

function fromNumbers(elemType: number, numbers: ArrayLike<number>): Elements | undefined {
  const range = whole.get(elemType);
  if (range) return fromWhole(elemType, numbers, range);
  switch (elemType) {
    case Type.BOOL:
      return Uint8Array.from(numbers, (value) => (value === 0 ? 0 : 1));
    case Type.FLOAT:
      return Float32Array.from(numbers);
    case Type.DOUBLE:
      return Float64Array.from(numbers);
    case Type.FLOAT16:
      return new Uint16Array(Float16Array.from(numbers).buffer);
    default:
      return undefined;
  }
}

function fromWhole(elemType: number, numbers: ArrayLike<number>, [min, max]: readonly [number, number]) {
  const result = newElements(elemType, numbers.length);
  const big = result instanceof BigInt64Array || result instanceof BigUint64Array;
  for (let index = 0; index < numbers.length; index++) {
    const value = Math.trunc(numbers[index]!);
    if (!result || !(value >= min && value <= max)) return undefined;
    result[index] = (big ? BigInt(value) : value) as never;
  }
  return result;
}
