// Arithmetic on constants that IEEE 754 rounds in one way only: + − × ÷ √ on FP32 and FP64, whole numbers, comparisons.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { type Elements, elementCount, newElements, type TensorValues } from '../../../onnx/tensor-values.ts';
import { broadcastView, places } from './strided.ts';

type Operand = number | bigint;
type Given = readonly (TensorValues | undefined)[];

const binary: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ['Add', (a, b) => a + b],
  ['Sub', (a, b) => a - b],
  ['Mul', (a, b) => a * b],
  ['Div', (a, b) => a / b],
]);

const wholeBinary: ReadonlyMap<string, (a: bigint, b: bigint) => bigint> = new Map([
  ['Add', (a, b) => a + b],
  ['Sub', (a, b) => a - b],
  ['Mul', (a, b) => a * b],
  // Towards zero, as C has it.
  ['Div', (a, b) => a / b],
]);

const comparison: ReadonlyMap<string, (a: Operand, b: Operand) => boolean> = new Map([
  ['Equal', (a, b) => a === b],
  ['Less', (a, b) => a < b],
  ['LessOrEqual', (a, b) => a <= b],
  ['Greater', (a, b) => a > b],
  ['GreaterOrEqual', (a, b) => a >= b],
  ['And', (a, b) => a !== 0 && b !== 0],
  ['Or', (a, b) => a !== 0 || b !== 0],
]);

const unary: ReadonlyMap<string, (a: number) => number> = new Map([
  ['Neg', (a) => -a],
  ['Abs', Math.abs],
  ['Floor', Math.floor],
  ['Ceil', Math.ceil],
  ['Sqrt', Math.sqrt],
  ['Not', (a) => (a === 0 ? 1 : 0)],
]);

const halves: ReadonlySet<number> = new Set([Type.FLOAT16, Type.BFLOAT16]);

/** Undefined for what is not in these tables, and for types on which it is not exact. */
export function compute(
  operator: string,
  given: Given,
  elemType: number,
  shape: readonly number[],
): TensorValues | undefined {
  if (given.some((value) => !value || halves.has(value.elemType))) return undefined;
  const values = given as readonly TensorValues[];
  const compare = comparison.get(operator);
  if (compare && values.length === 2) {
    return paired(values, Type.BOOL, shape, (a, b) => (compare(a, b) ? 1 : 0));
  }
  if (operator === 'Where' && values.length === 3) return where(values, elemType, shape);
  if (values.length === 1) return one(operator, values[0]!, elemType, shape);
  if (values.length !== 2 || values.some((value) => value.elemType !== elemType)) return undefined;
  return wholeOrReal(operator, values, elemType, shape);
}

function wholeOrReal(operator: string, values: readonly TensorValues[], elemType: number, shape: readonly number[]) {
  if (elemType === Type.FLOAT || elemType === Type.DOUBLE) {
    const apply = binary.get(operator);
    return apply && paired(values, elemType, shape, (a, b) => apply(Number(a), Number(b)));
  }
  const apply = wholeBinary.get(operator);
  if (!apply || (elemType !== Type.INT64 && elemType !== Type.INT32)) return undefined;
  // Division by zero ends a process, or does not: that is for the runtime.
  if (operator === 'Div' && values[1]!.data.some((value: Operand) => Number(value) === 0)) return undefined;
  const back = elemType === Type.INT64 ? (value: bigint) => value : (value: bigint) => Number(BigInt.asIntN(32, value));
  return paired(values, elemType, shape, (a, b) => back(apply(BigInt(a), BigInt(b))));
}

function one(operator: string, { data, elemType: from }: TensorValues, elemType: number, shape: readonly number[]) {
  const apply = unary.get(operator);
  const result = newElements(elemType, data.length);
  const real = from === Type.FLOAT || from === Type.DOUBLE || (operator === 'Not' && from === Type.BOOL);
  if (!apply || !result || from !== elemType) return undefined;
  if (operator === 'Neg' && data instanceof BigInt64Array) {
    return { elemType, shape, data: data.map((value) => -value) };
  }
  if (!real || elementCount(shape) !== data.length) return undefined;
  for (let index = 0; index < data.length; index++) result[index] = apply(Number(data[index])) as never;
  return { elemType, shape, data: result };
}

function paired(
  [left, right]: readonly TensorValues[],
  elemType: number,
  shape: readonly number[],
  apply: (a: Operand, b: Operand) => Operand,
): TensorValues | undefined {
  const data = newElements(elemType, elementCount(shape));
  const columns = data && left && right ? [columnOf(left, shape), columnOf(right, shape)] : [];
  const [a, b] = columns;
  if (!data || !a || !b) return undefined;
  for (let index = 0; index < data.length; index++) data[index] = apply(a(index), b(index)) as never;
  return { elemType, shape, data };
}

function where([condition, then, otherwise]: readonly TensorValues[], elemType: number, shape: readonly number[]) {
  const data = newElements(elemType, elementCount(shape));
  if (!data || !condition || then?.elemType !== elemType || otherwise?.elemType !== elemType) return undefined;
  const [c, a, b] = [columnOf(condition, shape), columnOf(then, shape), columnOf(otherwise, shape)];
  if (!c || !a || !b) return undefined;
  for (let index = 0; index < data.length; index++) data[index] = (c(index) === 0 ? b(index) : a(index)) as never;
  return { elemType, shape, data };
}

/** Element by place in the broadcast result; undefined when the shape does not broadcast to it. */
function columnOf(
  { data, shape: from }: TensorValues,
  shape: readonly number[],
): ((index: number) => Operand) | undefined {
  const missing = shape.length - from.length;
  if (missing < 0 || from.some((length, axis) => length !== 1 && length !== shape[axis + missing])) return undefined;
  const at = places(broadcastView(from, shape));
  const elements: Elements = data;
  return (index) => elements[at[index]!]!;
}
