// Tensors joined along their first axis into one run's feeds, and a run's outputs cut apart again into each one's own.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Datatype } from '../core/signature.ts';
import type { Elements, Tensor, Tensors } from '../tensor/tensor.ts';

/** Rows `from` to before `to` of these tensors. */
export interface Slice {
  readonly tensors: Tensors;
  readonly from: number;
  readonly to: number;
}

type Data = Elements[Datatype];

/**
 * The rows of all slices, one after another. Where other axes differ the shorter rows are filled up with
 * `fill(name)`.
 */
export function joinRows(slices: readonly Slice[], fill: (name: string) => number = () => 0): Tensors {
  const names = Object.keys(slices[0]?.tensors ?? {});
  return Object.fromEntries(names.map((name) => [name, joinOne(name, slices, fill)]));
}

/**
 * The tensors' rows cut into runs of `counts`, each a copy of its own: nobody holds memory in which another's rows stand.
 * `shapeOf(name, at)` is the shape of one row of part `at`, padding cut off.
 *
 * @throws GlowplugError SESSION_FAILED when a tensor does not have as many rows as went in
 */
export function splitRows(
  tensors: Tensors,
  counts: readonly number[],
  shapeOf: (name: string, at: number, row: readonly number[]) => readonly number[] = (_name, _at, row) => row,
): Tensors[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const parts = counts.map((): Record<string, Tensor> => ({}));
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.shape[0] !== total) {
      throw new GlowplugError(
        'SESSION_FAILED',
        `expected output ${shorten(name)} of ${total} rows, got shape ${shorten(tensor.shape)}: the model cannot be batched`,
      );
    }
    let from = 0;
    for (const [at, count] of counts.entries()) {
      const shape = [count, ...shapeOf(name, at, tensor.shape.slice(1))];
      parts[at]![name] = cut(tensor, from, shape);
      from += count;
    }
  }
  return parts;
}

function joinOne(name: string, slices: readonly Slice[], fill: (name: string) => number): Tensor {
  const sources = slices.map(({ tensors }) => tensors[name]!);
  const { datatype, shape: like } = sources[0]!;
  const rows = slices.reduce((sum, { from, to }) => sum + to - from, 0);
  const shape = like.map((_length, axis) => (axis === 0 ? rows : Math.max(...sources.map((one) => one.shape[axis]!))));
  const padded = sources.some((one) => one.shape.some((length, axis) => axis > 0 && length !== shape[axis]));
  const data = makeData(datatype, product(shape));
  if (padded) fillData(datatype, data, fill(name));
  let row = 0;
  for (const [at, { from, to }] of slices.entries()) {
    const { shape: own, data: source } = sources[at]!;
    const box = [to - from, ...own.slice(1)];
    copyBox({ data, shape, row }, { data: source, shape: own, row: from }, box);
    row += to - from;
  }
  // makeData pairs type and array as Elements does: the seam where TypeScript cannot see it.
  return { datatype, shape, data } as Tensor;
}

function cut({ datatype, shape: whole, data: source }: Tensor, from: number, shape: readonly number[]): Tensor {
  const size = product(whole.slice(1));
  if (shape.every((length, axis) => axis === 0 || length === whole[axis])) {
    return { datatype, shape, data: source.slice(from * size, (from + shape[0]!) * size) } as Tensor;
  }
  const data = makeData(datatype, product(shape));
  copyBox({ data, shape, row: 0 }, { data: source, shape: whole, row: from }, shape);
  return { datatype, shape, data } as Tensor;
}

interface Place {
  readonly data: Data;
  readonly shape: readonly number[];
  readonly row: number;
}

/** Copies the elements of `box` from one place to the other; the innermost axes on which both agree move as one block. */
function copyBox(to: Place, from: Place, box: readonly number[]): void {
  let last = box.length - 1;
  while (last > 0 && to.shape[last] === from.shape[last]) last--;
  const block = product(box.slice(last));
  const copy = (axis: number, target: number, source: number) => {
    if (axis === last) return copyBlock(to.data, target, from.data, source, block);
    const [targetStep, sourceStep] = [product(to.shape.slice(axis + 1)), product(from.shape.slice(axis + 1))];
    for (let i = 0; i < box[axis]!; i++) copy(axis + 1, target + i * targetStep, source + i * sourceStep);
  };
  copy(0, to.row * product(to.shape.slice(1)), from.row * product(from.shape.slice(1)));
}

/** Both hold the same element type: they belong to one input's tensors, or to one tensor. */
function copyBlock(target: Data, at: number, source: Data, from: number, length: number): void {
  if (isStrings(target) || isStrings(source)) {
    for (let i = 0; i < length; i++) (target as string[])[at + i] = (source as readonly string[])[from + i]!;
    return;
  }
  (target as Float32Array).set((source as Float32Array).subarray(from, from + length), at);
}

const make: { readonly [D in Datatype]: (length: number) => Elements[D] } = {
  BOOL: (n) => new Uint8Array(n),
  UINT8: (n) => new Uint8Array(n),
  UINT16: (n) => new Uint16Array(n),
  UINT32: (n) => new Uint32Array(n),
  UINT64: (n) => new BigUint64Array(n),
  INT8: (n) => new Int8Array(n),
  INT16: (n) => new Int16Array(n),
  INT32: (n) => new Int32Array(n),
  INT64: (n) => new BigInt64Array(n),
  FP16: (n) => new Uint16Array(n),
  FP32: (n) => new Float32Array(n),
  FP64: (n) => new Float64Array(n),
  BYTES: (n) => new Array<string>(n).fill(''),
};

function makeData(datatype: Datatype, length: number): Data {
  return make[datatype](length);
}

function fillData(datatype: Datatype, data: Data, value: number): void {
  if (value === 0 || isStrings(data)) return;
  if (datatype === 'FP16') new Float16Array(data.buffer).fill(value);
  else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value));
  else data.fill(value);
}

function isStrings(data: Data): data is Elements['BYTES'] {
  return Array.isArray(data);
}

function product(shape: readonly number[]): number {
  let count = 1;
  for (const length of shape) count *= length;
  return count;
}
