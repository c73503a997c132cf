// How far two answers of the same feeds are from one another.
import type { Tensor, Tensors } from './tensor.ts';

export interface Difference {
  /** The output that differs most; undefined when there is none to compare. */
  readonly output: string | undefined;
  /** Of that output's elements, the largest: absolute below 1, relative above. Infinity: no number says how far. */
  readonly most: number;
}

/** Every output of `first` is compared; what `other` has more does not count. */
export function difference(first: Tensors, other: Tensors): Difference {
  let worst: Difference = { output: undefined, most: 0 };
  for (const [output, tensor] of Object.entries(first)) {
    const most = between(tensor, other[output]);
    if (worst.output === undefined || most > worst.most) worst = { output, most };
  }
  return worst;
}

function between(first: Tensor, other: Tensor | undefined): number {
  if (other?.datatype !== first.datatype || first.data.length !== other.data.length) return Number.POSITIVE_INFINITY;
  if (first.shape.some((length, axis) => length !== other.shape[axis])) return Number.POSITIVE_INFINITY;
  if (first.datatype === 'BYTES' || other.datatype === 'BYTES') {
    return first.data.every((value, at) => value === other.data[at]) ? 0 : Number.POSITIVE_INFINITY;
  }
  const [a, b] = [numbers(first), numbers(other)];
  let most = 0;
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [Number(a[at]), Number(b[at])];
    // Equal infinities, and NaN on both sides, do not differ.
    if (Object.is(x, y) || x === y) continue;
    const far = Math.abs(x - y) / Math.max(1, Math.abs(x));
    if (!(far <= most)) most = Number.isNaN(far) ? Number.POSITIVE_INFINITY : far;
  }
  return most;
}

function numbers(tensor: Exclude<Tensor, { datatype: 'BYTES' }>): ArrayLike<number | bigint> {
  if (tensor.datatype !== 'FP16') return tensor.data;
  return new Float16Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length);
}
