// Input that nobody sent, to measure a session or to compare two.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Signature, TensorSpec } from '../core/signature.ts';
import { type Tensor, type Tensors, tensor } from '../tensor/tensor.ts';

/**
 * One row of made-up input: enough to run a model, not to say whether it is right.
 *
 * @param length of free dimensions by name
 * @throws GlowplugError CONFIG_INVALID for a dimension without a length, and for datatypes that have no made-up values
 */
export function madeUpRow({ inputs }: Signature, length: Readonly<Record<string, number>>, seed: number): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, spec]) => [name, madeUpTensor(name, spec, length, seed)]),
  );
}

/** Floats between −1 and 1, whole numbers 0 and 1: indices that every vocabulary has, and a mask that hides little. */
function madeUpTensor(
  name: string,
  { datatype, shape }: TensorSpec,
  length: Readonly<Record<string, number>>,
  seed: number,
): Tensor {
  const own = shape.map((dimension, axis) => {
    if (axis === 0) return 1;
    if (typeof dimension === 'number') return dimension;
    const given = length[dimension];
    if (given !== undefined) return given;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a length of dimension ${shorten(dimension)} of input ${shorten(name)}, got none`,
      {
        remedy: `Add --length ${dimension}=<length>.`,
      },
    );
  });
  const count = own.reduce((product, one) => product * one, 1);
  const wave = (at: number) => Math.sin(1 + at + 31 * seed);
  const bit = (at: number) => ((at + seed) % 5 === 4 ? 0 : 1);
  switch (datatype) {
    case 'FP32':
      return tensor(
        datatype,
        own,
        Float32Array.from({ length: count }, (_, at) => wave(at)),
      );
    case 'FP64':
      return tensor(
        datatype,
        own,
        Float64Array.from({ length: count }, (_, at) => wave(at)),
      );
    case 'FP16':
      return tensor(datatype, own, new Uint16Array(Float16Array.from({ length: count }, (_, at) => wave(at)).buffer));
    case 'INT64':
      return tensor(
        datatype,
        own,
        BigInt64Array.from({ length: count }, (_, at) => BigInt(bit(at))),
      );
    case 'INT32':
      return tensor(
        datatype,
        own,
        Int32Array.from({ length: count }, (_, at) => bit(at)),
      );
    case 'BOOL':
    case 'UINT8':
      return tensor(
        datatype,
        own,
        Uint8Array.from({ length: count }, (_, at) => bit(at)),
      );
    default:
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected inputs of floats, INT32, INT64, UINT8 or BOOL to make up, got ${datatype}`,
      );
  }
}
