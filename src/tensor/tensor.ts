// A tensor: element type, shape, and the elements row-major in one array.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Datatype } from '../core/signature.ts';

/** How the elements of each type are held. FP16 holds the 16 bits; BOOL 0 or 1; BYTES a string where they are UTF-8. */
export interface Elements {
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Uint16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  BYTES: readonly (string | Uint8Array)[];
}

/** One tensor. `Tensor` alone is a tensor of any element type, told apart by `datatype`. */
export type Tensor<D extends Datatype = Datatype> = {
  [T in D]: { readonly datatype: T; readonly shape: readonly number[]; readonly data: Elements[T] };
}[D];

/** Tensors by the names of a model's inputs, or outputs. */
export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * Makes a tensor after checking that the shape holds exactly the elements given.
 *
 * @example
 * tensor('FP32', [1, 4], Float32Array.of(5.1, 3.5, 1.4, 0.2));
 */
export function tensor<D extends Datatype>(datatype: D, shape: readonly number[], data: Elements[D]): Tensor<D>;
export function tensor(datatype: Datatype, shape: readonly number[], data: Elements[Datatype]): unknown {
  const expected = elementCount(shape);
  if (expected !== data.length) {
    throw new GlowplugError(
      'INPUT_TENSOR',
      `expected ${expected} elements for shape ${shorten(shape)}, got ${data.length}`,
    );
  }
  return { datatype, shape, data };
}

/** More dimensions than any tensor has; keeps hostile input from recursing. */
const MAX_RANK = 32;

/**
 * Product of the dimensions. Refuses what is no shape and what JavaScript cannot count exactly; a dimension of 0 does not
 * hide an overflow in the others, which a model may multiply without it.
 *
 * @throws GlowplugError INPUT_TENSOR
 */
export function elementCount(shape: readonly number[]): number {
  if (shape.length > MAX_RANK) {
    throw new GlowplugError('INPUT_TENSOR', `expected at most ${MAX_RANK} dimensions, got ${shape.length}`);
  }
  let product = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new GlowplugError('INPUT_TENSOR', `expected whole dimensions of at least 0, got shape ${shorten(shape)}`);
    }
    product *= Math.max(dimension, 1);
    if (!Number.isSafeInteger(product)) {
      throw new GlowplugError('INPUT_TENSOR', `expected a shape of fewer than 2⁵³ elements, got ${shorten(shape)}`);
    }
  }
  return shape.includes(0) ? 0 : product;
}
