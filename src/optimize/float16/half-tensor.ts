// FP32 constants as FP16, where FP16 can hold them.
import { type TensorProto, TensorProto_DataType as Type } from 'onnx-buf';
import { makeTensor, readTensor } from '../../onnx/tensor-values.ts';

/** The largest finite number of FP16. */
const LARGEST = 65504;
/** The smallest with all its digits. A constant whose largest element is below it loses them, or becomes 0: an epsilon. */
const SMALLEST_NORMAL = 2 ** -14;

/** Undefined where the elements cannot be read, one is past the range, or all of them are too small for it. */
export function halfTensor(tensor: TensorProto): TensorProto | undefined {
  const values = tensor.dataType === Type.FLOAT ? readTensor(tensor) : undefined;
  if (!(values?.data instanceof Float32Array)) return undefined;
  const largest = largestOf(values.data);
  if (largest > LARGEST || (largest > 0 && largest < SMALLEST_NORMAL)) return undefined;
  const data = new Uint16Array(Float16Array.from(values.data).buffer);
  return makeTensor(tensor.name, { elemType: Type.FLOAT16, shape: values.shape, data });
}

/** Infinities and NaN do not count: FP16 has them too. */
function largestOf(data: Float32Array): number {
  let largest = 0;
  for (let index = 0; index < data.length; index++) {
    const size = Math.abs(data[index]!);
    if (size > largest && size !== Number.POSITIVE_INFINITY) largest = size;
  }
  return largest;
}
