// Walks an array as a view of another shape: what transposing, cutting, repeating and broadcasting have in common.
import { elementCount } from '../../../onnx/tensor-values.ts';

export interface View {
  readonly shape: readonly number[];
  /** Elements to step along each axis; 0 repeats. */
  readonly strides: readonly number[];
  readonly offset: number;
}

/** The view of all elements of `shape`, row-major. */
export function rowMajor(shape: readonly number[]): View {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return { shape, strides, offset: 0 };
}

/** `from` seen as `shape`, to which it broadcasts. */
export function broadcastView(from: readonly number[], shape: readonly number[]): View {
  const { strides } = rowMajor(from);
  const missing = shape.length - from.length;
  return {
    shape,
    strides: shape.map((_length, axis) =>
      axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]!,
    ),
    offset: 0,
  };
}

/** Places of the view's elements in the array below it, row-major. */
export function places({ shape, strides, offset }: View): Uint32Array {
  const count = elementCount(shape);
  const result = new Uint32Array(count);
  const index = new Array<number>(shape.length).fill(0);
  let place = offset;
  for (let at = 0; at < count; at++) {
    result[at] = place;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      place -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
