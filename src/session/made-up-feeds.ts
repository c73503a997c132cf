// Feeds that a model takes, for who wants to run it and has no data.
import { GlowplugError } from '../core/errors.ts';
import type { Signature, TensorSpec } from '../core/signature.ts';
import { type Tensor, type Tensors, tensor } from '../tensor/tensor.ts';

/** The length of a free dimension; the first axis may be fixed, and is 1 then. */
export type LengthOf = (dimension: string, axis: number, input: string) => number;

/**
 * Floats between −1 and 1, whole numbers 0 and 1: indices that every vocabulary has, and a mask that hides little. Another
 * `seed`, other feeds.
 *
 * @throws GlowplugError CONFIG_INVALID for other element types
 */
export function madeUpFeeds({ inputs }: Signature, lengthOf: LengthOf, seed = 0): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, spec]) => [
      name,
      madeUp(spec, (free, axis) => lengthOf(free, axis, name), seed),
    ]),
  );
}

function madeUp(
  { datatype, shape }: TensorSpec,
  lengthOf: (dimension: string, axis: number) => number,
  seed: number,
): Tensor {
  const own = shape.map((dimension, axis) => {
    if (typeof dimension === 'string') return lengthOf(dimension, axis);
    return axis === 0 ? 1 : dimension;
  });
  const length = own.reduce((product, one) => product * one, 1);
  const wave = (_: unknown, at: number) => Math.sin(1 + at + 31 * seed);
  const bit = (_: unknown, at: number) => ((at + seed) % 5 === 4 ? 0 : 1);
  switch (datatype) {
    case 'FP32':
      return tensor(datatype, own, Float32Array.from({ length }, wave));
    case 'FP64':
      return tensor(datatype, own, Float64Array.from({ length }, wave));
    case 'FP16':
      return tensor(datatype, own, new Uint16Array(Float16Array.from({ length }, wave).buffer));
    case 'INT64':
      return tensor(
        datatype,
        own,
        BigInt64Array.from({ length }, (_, at) => BigInt(bit(_, at))),
      );
    case 'INT32':
      return tensor(datatype, own, Int32Array.from({ length }, bit));
    case 'BOOL':
    case 'UINT8':
      return tensor(datatype, own, Uint8Array.from({ length }, bit));
    default:
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected inputs of floats, INT32, INT64, UINT8 or BOOL to make up, got ${datatype}`,
      );
  }
}
