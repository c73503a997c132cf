// Computes a node whose inputs are all constant, for the operators whose result is the same to the last bit everywhere.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { attributeOf, intOf, intsOf } from '../../../onnx/attributes.ts';
import {
  type Elements,
  elementCount,
  newElements,
  readTensor,
  type TensorValues,
} from '../../../onnx/tensor-values.ts';
import { cutRange, cutsOf } from '../shape-rules/movement.ts';
import type { RuleInput } from '../shape-rules/rule.ts';
import { axisOf, isStatic, type ValueType } from '../value-type.ts';
import { castTo } from './cast.ts';
import { compute } from './compute.ts';
import { broadcastView, places, rowMajor, type View } from './strided.ts';

/**
 * The output, or undefined where it is left to the runtime. `type` is what the shape rule says of it; its shape is
 * known, and small enough to be made.
 */
export function evaluate(at: RuleInput, { elemType, shape }: ValueType): TensorValues | undefined {
  if (!isStatic(shape)) return undefined;
  const given = at.inputs.map((input) => input?.constant);
  const [first] = given;
  switch (at.node.opType) {
    case 'ConstantOfShape':
      return filled(at, elemType, shape);
    case 'Range':
      return range(given, elemType, shape);
    case 'Cast':
      return first && castTo(first, elemType);
  }
  if (!first) return undefined;
  switch (at.node.opType) {
    case 'Identity':
    case 'Reshape':
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Flatten':
      return first.data.length === elementCount(shape) ? { elemType, shape, data: first.data } : undefined;
    case 'Expand':
      return taken(first, broadcastView(first.shape, shape));
    case 'Transpose':
      return taken(first, transposed(first.shape, shape, intsOf(at.node, 'perm')));
    case 'Slice':
      return taken(first, sliced(at, first.shape, shape));
    case 'Concat':
      return joined(given, elemType, shape, intOf(at.node, 'axis', 0));
    case 'Gather':
      return gathered(first, given[1], shape, intOf(at.node, 'axis', 0));
    default:
      return compute(at.node.opType, given, elemType, shape);
  }
}

function filled(at: RuleInput, elemType: number, shape: readonly number[]): TensorValues | undefined {
  const tensor = attributeOf(at.node, 'value')?.t;
  const value = tensor ? readTensor(tensor) : undefined;
  const data = newElements(elemType, elementCount(shape));
  if (!data || (tensor && value?.data.length !== 1)) return undefined;
  if (value) data.fill(value.data[0] as never);
  return { elemType, shape, data };
}

/** Of whole numbers alone: sums of floats differ by how they are made. */
function range(given: readonly (TensorValues | undefined)[], elemType: number, shape: readonly number[]) {
  if (elemType !== Type.INT64) return undefined;
  const [start, , delta] = given.map((value) => value?.data[0]);
  if (typeof start !== 'bigint' || typeof delta !== 'bigint') return undefined;
  const data = BigInt64Array.from({ length: elementCount(shape) }, (_value, index) => start + BigInt(index) * delta);
  return { elemType, shape, data };
}

function transposed(from: readonly number[], shape: readonly number[], perm: number[] | undefined): View | undefined {
  const { strides } = rowMajor(from);
  const order = perm ?? from.map((_length, axis) => from.length - 1 - axis);
  if (order.length !== from.length || new Set(order).size !== order.length) return undefined;
  return { shape, strides: order.map((axis) => strides[axis]!), offset: 0 };
}

function sliced(at: RuleInput, from: readonly number[], shape: readonly number[]): View | undefined {
  const cuts = cutsOf(at, from.length);
  if (!cuts) return undefined;
  const { strides } = rowMajor(from);
  let offset = 0;
  const steps = strides.map((stride, axis) => {
    const cut = cuts.get(axis);
    if (!cut) return stride;
    offset += stride * Math.max(0, cutRange(from[axis]!, cut).first);
    return stride * cut.step;
  });
  return { shape, strides: steps, offset };
}

function taken({ elemType, data }: TensorValues, view: View | undefined): TensorValues | undefined {
  return view && pick(elemType, data, places(view), view.shape);
}

function pick(elemType: number, from: Elements, at: ArrayLike<number>, shape: readonly number[]) {
  const data = newElements(elemType, at.length);
  if (!data) return undefined;
  for (let index = 0; index < at.length; index++) {
    const value = from[at[index]!];
    if (value === undefined) return undefined;
    data[index] = value as never;
  }
  return { elemType, shape, data };
}

function joined(
  given: readonly (TensorValues | undefined)[],
  elemType: number,
  shape: readonly number[],
  stated: number,
): TensorValues | undefined {
  const axis = axisOf(stated, shape.length);
  const data = newElements(elemType, elementCount(shape));
  if (axis === undefined || !data) return undefined;
  const outer = elementCount(shape.slice(0, axis));
  const row = elementCount(shape.slice(axis));
  let start = 0;
  for (const part of given) {
    if (part?.elemType !== elemType) return undefined;
    const width = part.data.length / outer;
    if (!Number.isInteger(width) || start + width > row) return undefined;
    for (let index = 0; index < outer; index++) {
      data.set(part.data.subarray(index * width, (index + 1) * width) as never, index * row + start);
    }
    start += width;
  }
  return start === row || data.length === 0 ? { elemType, shape, data } : undefined;
}

function gathered(
  from: TensorValues,
  indices: TensorValues | undefined,
  shape: readonly number[],
  stated: number,
): TensorValues | undefined {
  const axis = axisOf(stated, from.shape.length);
  if (!indices || axis === undefined || (indices.elemType !== Type.INT64 && indices.elemType !== Type.INT32)) {
    return undefined;
  }
  const length = from.shape[axis]!;
  const inner = elementCount(from.shape.slice(axis + 1));
  const outer = elementCount(from.shape.slice(0, axis));
  const at: number[] = [];
  for (let block = 0; block < outer; block++) {
    for (const stated of indices.data) {
      const index = Number(stated) < 0 ? Number(stated) + length : Number(stated);
      if (!(index >= 0 && index < length)) return undefined;
      for (let step = 0; step < inner; step++) at.push((block * length + index) * inner + step);
    }
  }
  return at.length === elementCount(shape) ? pick(from.elemType, from.data, at, shape) : undefined;
}
