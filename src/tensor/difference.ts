// How far two answers of the same feeds are from one another.
import type { Tensor, Tensors } from './tensor.ts';

export interface Difference {
  /** The output that differs most; undefined when there is none to compare. */
  readonly output: string | undefined;
  /** Of that output's elements, the largest: absolute below 1, relative above. Infinity: no number says how far. */
  readonly most: number;
  /** Where in that output's data; undefined where elements cannot be compared at all. */
  readonly at: number | undefined;
}

/** Every output of `first` is compared; what `other` has more does not count. */
export function difference(first: Tensors, other: Tensors): Difference {
  let worst: Difference = { output: undefined, most: 0, at: undefined };
  for (const [output, tensor] of Object.entries(first)) {
    const { most, at } = between(tensor, other[output]);
    if (worst.output === undefined || most > worst.most) worst = { output, most, at };
  }
  return worst;
}

type Furthest = Pick<Difference, 'most' | 'at'>;

const incomparable: Furthest = { most: Number.POSITIVE_INFINITY, at: undefined };

function between(first: Tensor, other: Tensor | undefined): Furthest {
  if (other?.datatype !== first.datatype || first.data.length !== other.data.length) return incomparable;
  if (first.shape.some((length, axis) => length !== other.shape[axis])) return incomparable;
  if (first.datatype === 'BYTES' || other.datatype === 'BYTES') {
    const at = first.data.findIndex((value, index) => value !== other.data[index]);
    return at === -1 ? { most: 0, at: undefined } : { most: Number.POSITIVE_INFINITY, at };
  }
  const [a, b] = [numbers(first), numbers(other)];
  let most = 0;
  let furthest: number | undefined;
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [Number(a[at]), Number(b[at])];
    // Equal infinities, and NaN on both sides, do not differ.
    if (Object.is(x, y) || x === y) continue;
    const far = Math.abs(x - y) / Math.max(1, Math.abs(x));
    if (far <= most) continue;
    most = Number.isNaN(far) ? Number.POSITIVE_INFINITY : far;
    furthest = at;
  }
  return { most, at: furthest };
}

function numbers(tensor: Exclude<Tensor, { datatype: 'BYTES' }>): ArrayLike<number | bigint> {
  if (tensor.datatype !== 'FP16') return tensor.data;
  return new Float16Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length);
}
