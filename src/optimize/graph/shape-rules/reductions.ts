// Operators that fold axes away, and those that pick from them.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { intOf } from '../../../onnx/attributes.ts';
import { axisOf, type Shape, typed, wholeLengths } from '../value-type.ts';
import {
  axisFrom,
  elemTypeOf,
  intsFrom,
  likeFirst,
  type Rule,
  type RuleInput,
  type Rules,
  shapeOf,
  unknownDims,
  withDim,
} from './rule.ts';

const names =
  'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare';

const reduce: Rule = (at) => likeFirst(at, reduced(at));

function reduced(at: RuleInput): Shape | undefined {
  const shape = shapeOf(at);
  if (!shape) return undefined;
  const axes = intsFrom(at, 'axes', 1);
  const keep = intOf(at.node, 'keepdims', 1) !== 0;
  if (axes === 'unknown') return keep ? unknownDims(shape.length) : undefined;
  if (!axes || axes.length === 0) {
    if (intOf(at.node, 'noop_with_empty_axes', 0) !== 0) return shape;
    return keep ? shape.map(() => 1) : [];
  }
  return drop(shape, axes, keep);
}

function drop(shape: Shape, axes: readonly number[], keep: boolean): Shape | undefined {
  const front = new Set(axes.map((axis) => axisOf(axis, shape.length)));
  if (front.has(undefined)) return undefined;
  return keep
    ? shape.map((length, axis) => (front.has(axis) ? 1 : length))
    : shape.filter((_length, axis) => !front.has(axis));
}

const pick: Rule = (at) => {
  const shape = shapeOf(at);
  const keep = intOf(at.node, 'keepdims', 1) !== 0;
  return [typed(Type.INT64, shape && drop(shape, [intOf(at.node, 'axis', 0)], keep))];
};

export const reductions: Rules = {
  ...Object.fromEntries(names.split(' ').map((name) => [name, reduce])),
  ArgMax: pick,
  ArgMin: pick,
  TopK: (at) => {
    const shape = shapeOf(at);
    const axis = shape && axisFrom(at, -1, shape.length);
    const k = at.opset < 10 ? intOf(at.node, 'k', 0) : wholeLengths(at.inputs[1])?.[0];
    const result = shape && axis !== undefined ? withDim(shape, axis, k) : undefined;
    return [typed(elemTypeOf(at), result), typed(Type.INT64, result)];
  },
};
