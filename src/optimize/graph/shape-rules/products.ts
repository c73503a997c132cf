// Matrix products and recurrent networks.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { intOf, textOf } from '../../../onnx/attributes.ts';
import { broadcast, type Dim, type Shape, typed } from '../value-type.ts';
import { elemTypeOf, likeFirst, type Rule, type Rules, shapeOf } from './rule.ts';

function product(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (!a || !b || a.length === 0 || b.length === 0) return undefined;
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  const batch = broadcast([left.slice(0, -2), right.slice(0, -2)]);
  if (!batch) return undefined;
  return [...batch, ...(a.length === 1 ? [] : [left.at(-2)]), ...(b.length === 1 ? [] : [right.at(-1)])];
}

const recurrent: Rule = (at) => {
  const [shape, recurrence] = [shapeOf(at), shapeOf(at, 2)];
  if (shape?.length !== 3) return at.node.output.map(() => typed(elemTypeOf(at), undefined));
  const directions = textOf(at.node, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
  const hidden: Dim = intOf(at.node, 'hidden_size', 0) || recurrence?.[2];
  const batchFirst = intOf(at.node, 'layout', 0) === 1;
  const [first, second] = shape;
  const all = batchFirst ? [first, second, directions, hidden] : [first, directions, second, hidden];
  const last = batchFirst ? [first, directions, hidden] : [directions, second, hidden];
  return [all, last, last].map((result) => typed(elemTypeOf(at), result));
};

export const products: Rules = {
  MatMul: (at) => likeFirst(at, product(shapeOf(at), shapeOf(at, 1))),
  MatMulInteger: (at) => [typed(Type.INT32, product(shapeOf(at), shapeOf(at, 1)))],
  Gemm: (at) => {
    const [a, b] = [shapeOf(at), shapeOf(at, 1)];
    if (a?.length !== 2 || b?.length !== 2) return likeFirst(at, undefined);
    return likeFirst(at, [a[intOf(at.node, 'transA', 0) ? 1 : 0], b[intOf(at.node, 'transB', 0) ? 0 : 1]]);
  },
  'com.microsoft.MatMulNBits': (at) => {
    const shape = shapeOf(at);
    return likeFirst(at, shape && [...shape.slice(0, -1), intOf(at.node, 'N', 0) || undefined]);
  },
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
};
