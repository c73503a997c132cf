// How near one model's outputs are to another's, over samples.
import type { Tensor, Tensors } from '../tensor/tensor.ts';

export interface Parity {
  /** Least cosine of the angle between the outputs of a sample. */
  readonly cosine: number;
  /** Greatest difference of two elements. */
  readonly maxError: number;
  /** Length of the difference as a part of the length of what is right; the worst sample. */
  readonly relativeError: number;
  /** Share of rows whose greatest element is at the same place, of outputs [rows, classes] and [N, rows, classes]; 1 where there are none. */
  readonly argmax: number;
}

export interface ParityCounts {
  readonly cosine: number;
  readonly maxError: number;
  readonly relativeError: number;
  readonly rows: number;
  readonly same: number;
}

/** One sample's outputs, all of them; outputs of other shapes are as different as can be. */
export function compareOutputs(right: Tensors, other: Tensors): ParityCounts {
  let [dot, a, b, difference, maxError, rows, same] = [0, 0, 0, 0, 0, 0, 0];
  for (const [name, tensor] of Object.entries(right)) {
    const its = other[name];
    const x = numbersOf(tensor);
    const y = its && numbersOf(its);
    if (!x) continue;
    if (!y || y.length !== x.length)
      return { cosine: -1, maxError: Infinity, relativeError: Infinity, rows: 1, same: 0 };
    for (let at = 0; at < x.length; at++) {
      const [p, q] = [Number(x[at]), Number(y[at])];
      dot += p * q;
      a += p * p;
      b += q * q;
      difference += (p - q) * (p - q);
      // NaN is greater than no number, and must not look like none.
      if (!(Math.abs(p - q) <= maxError)) maxError = Number.isNaN(p - q) ? Infinity : Math.abs(p - q);
    }
    const classes = tensor.shape.length === 2 || tensor.shape.length === 3 ? tensor.shape.at(-1)! : 0;
    if (classes < 2) continue;
    for (let from = 0; from < x.length; from += classes, rows++)
      if (argmaxOf(x, from, classes) === argmaxOf(y, from, classes)) same++;
  }
  const zero = a === 0 && b === 0;
  const cosine = zero ? 1 : dot / Math.sqrt(a * b);
  const relative = zero ? 0 : Math.sqrt(difference / a);
  return {
    cosine: Number.isFinite(cosine) ? Math.min(1, cosine) : -1,
    maxError,
    relativeError: Number.isFinite(relative) ? relative : Infinity,
    rows,
    same,
  };
}

export function totalParity(samples: readonly ParityCounts[]): Parity {
  const rows = samples.reduce((sum, one) => sum + one.rows, 0);
  const same = samples.reduce((sum, one) => sum + one.same, 0);
  return {
    cosine: Math.min(1, ...samples.map(({ cosine }) => cosine)),
    maxError: Math.max(0, ...samples.map(({ maxError }) => maxError)),
    relativeError: Math.max(0, ...samples.map(({ relativeError }) => relativeError)),
    argmax: rows === 0 ? 1 : same / rows,
  };
}

type Numbers = Exclude<Tensor, Tensor<'BYTES'>>['data'];

/** FP16 holds bits, which are no numbers to compare; BYTES are none. */
function numbersOf(tensor: Tensor): Numbers | Float16Array | undefined {
  if (tensor.datatype === 'BYTES') return undefined;
  if (tensor.datatype !== 'FP16') return tensor.data;
  return new Float16Array(tensor.data.buffer as ArrayBuffer, tensor.data.byteOffset, tensor.data.length);
}

function argmaxOf(values: Numbers | Float16Array, from: number, length: number): number {
  let best = from;
  for (let at = from + 1; at < from + length; at++) if (values[at]! > values[best]!) best = at;
  return best - from;
}
