// What inference knows of a value: its element type, its shape as far as it can be told, and its elements where they are few.
import { type GraphProto, type TensorProto, TensorProto_DataType as Type, type TypeProto } from 'onnx-buf';
import { readTensor, type TensorValues } from '../../onnx/tensor-values.ts';

/** A number is a known length, a name a free one that is the same wherever the name stands, undefined is unknown. */
export type Dim = number | string | undefined;
export type Shape = readonly Dim[];

export interface ValueType {
  /** TensorProto.DataType; 0 is unknown. */
  readonly elemType: number;
  /** Undefined where not even the rank is known. */
  readonly shape: Shape | undefined;
  /** The elements, where they are the same for every input. */
  readonly constant?: TensorValues | undefined;
  /** Whole numbers of rank 0 or 1 that stand for lengths, as Shape gives them: known one by one. */
  readonly lengths?: Shape;
}

export const unknown: ValueType = { elemType: 0, shape: undefined };

/** More than any model has; keeps hostile shapes from costing time. */
export const MAX_RANK = 64;

/** A length that is none (a file may say anything) counts as unknown. */
export function typed(elemType: number, shape: Shape | undefined): ValueType {
  if (!shape || shape.length > MAX_RANK) return { elemType, shape: undefined };
  const lengths = shape.map((length) => (typeof length === 'number' && !isLength(length) ? undefined : length));
  return { elemType, shape: lengths };
}

function isLength(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function ofConstant(constant: TensorValues): ValueType {
  return { elemType: constant.elemType, shape: constant.shape, constant };
}

/** As `ofConstant`, of a tensor in the file, which is read when somebody asks for its elements. */
export function ofTensor(tensor: TensorProto): ValueType {
  let constant: TensorValues | undefined;
  let isRead = false;
  return {
    ...typed(tensor.dataType, tensor.dims.map(Number)),
    get constant() {
      if (!isRead) constant = readTensor(tensor);
      isRead = true;
      return constant;
    },
  };
}

export function lengthsOf(value: ValueType | undefined): Shape | undefined {
  if (!value || value.lengths) return value?.lengths;
  const [length = 1] = value.shape ?? [];
  const isWhole = value.elemType === Type.INT64 || value.elemType === Type.INT32;
  if (!isWhole || !value.shape || value.shape.length > 1 || typeof length !== 'number' || length > MAX_RANK)
    return undefined;
  return value.constant && Array.from<number | bigint, number>(value.constant.data, Number);
}

/** All of them known, or undefined. */
export function wholeLengths(value: ValueType | undefined): readonly number[] | undefined {
  const lengths = lengthsOf(value);
  return lengths?.every((length) => typeof length === 'number') ? (lengths as readonly number[]) : undefined;
}

export function isStatic(shape: Shape | undefined): shape is readonly number[] {
  return shape?.every((length) => typeof length === 'number') === true;
}

/** Undefined where one is unknown, unless it is the only one that counts. */
export function productOf(shape: Shape): Dim {
  const rest = shape.filter((length) => length !== 1);
  if (rest.length === 1) return rest[0];
  const product = isStatic(rest) ? rest.reduce<number>((a, b) => a * Number(b), 1) : undefined;
  return Number.isSafeInteger(product) ? product : undefined;
}

export function sumOf(shape: Shape): Dim {
  const sum = isStatic(shape) ? shape.reduce((a, b) => a + b, 0) : undefined;
  return Number.isSafeInteger(sum) ? sum : undefined;
}

/** ONNX's multidirectional broadcasting; undefined where a rank is unknown. */
export function broadcast(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  let result: Shape = [];
  for (const shape of shapes) {
    if (!shape) return undefined;
    const [long, short] = result.length >= shape.length ? [result, shape] : [shape, result];
    const offset = long.length - short.length;
    result = long.map((length, axis) => (axis < offset ? length : broadcastDim(length, short[axis - offset])));
  }
  return result;
}

function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === 1) return b;
  if (b === 1 || a === b) return a;
  if (typeof a === 'number') return a;
  return typeof b === 'number' ? b : undefined;
}

/** What is true of both: for values that come from one branch or the other. */
export function either(a: ValueType, b: ValueType): ValueType {
  const shape =
    a.shape && b.shape && a.shape.length === b.shape.length
      ? a.shape.map((length, axis) => (length === b.shape![axis] ? length : undefined))
      : undefined;
  return { elemType: a.elemType === b.elemType ? a.elemType : 0, shape };
}

/** As a graph declares it. Names of free dimensions hold only among a graph's inputs, so only those may keep them. */
export function declared(type: TypeProto | undefined): ValueType {
  if (type?.value.case !== 'tensorType') return unknown;
  const { elemType, shape } = type.value.value;
  const dims = shape?.dim.map(({ value }): Dim => {
    if (value.case === 'dimParam') return value.value || undefined;
    if (value.case !== 'dimValue' || value.value < 0n) return undefined;
    return value.value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value.value) : undefined;
  });
  return typed(elemType, dims);
}

export function inputTypes({ input }: GraphProto): Map<string, ValueType> {
  return new Map(input.map(({ name, type }) => [name, declared(type)]));
}

/** Axis as it counts from the front; undefined when it is outside the rank. */
export function axisOf(axis: number, rank: number): number | undefined {
  const front = axis < 0 ? axis + rank : axis;
  return Number.isInteger(front) && front >= 0 && front < rank ? front : undefined;
}
