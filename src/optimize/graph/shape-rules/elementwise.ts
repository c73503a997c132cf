// Operators that give one element for one: the shape is the input's, or what several broadcast to.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { intOf } from '../../../onnx/attributes.ts';
import { broadcast, typed } from '../value-type.ts';
import { elemTypeOf, type Rule, type RuleInput, type Rules, same, shapeOf } from './rule.ts';

const joined = (at: RuleInput) => broadcast(at.node.input.map((_name, index) => shapeOf(at, index)));
const together: Rule = (at) => [typed(elemTypeOf(at), joined(at))];
const asked: Rule = (at) => [typed(Type.BOOL, joined(at))];

function each(names: string, rule: Rule): Rules {
  return Object.fromEntries(names.split(' ').map((name) => [name, rule]));
}

export const elementwise: Rules = {
  ...each(
    'Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh CumSum Elu Erf Exp Floor Gelu HardSigmoid ' +
      'HardSwish Hardmax Identity LeakyRelu Log LogSoftmax LpNormalization LRN MeanVarianceNormalization Mish Neg Not ' +
      'Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu ' +
      'Trilu InstanceNormalization GroupNormalization RMSNormalization ' +
      'com.microsoft.Gelu com.microsoft.FastGelu com.microsoft.QuickGelu com.microsoft.BiasGelu',
    same,
  ),
  ...each('Add Sub Mul Div Pow Mod Max Min Mean Sum BitShift BitwiseAnd BitwiseOr BitwiseXor PRelu', together),
  ...each('And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual', asked),
  ...each('IsNaN IsInf', (at) => [typed(Type.BOOL, shapeOf(at))]),
  Where: (at) => [typed(elemTypeOf(at, 1) || elemTypeOf(at, 2), joined(at))],
  Cast: (at) => [typed(intOf(at.node, 'to', 0), shapeOf(at))],
  CastLike: (at) => [typed(elemTypeOf(at, 1), shapeOf(at))],
  Dropout: (at) => [typed(elemTypeOf(at), shapeOf(at)), typed(Type.BOOL, shapeOf(at))],
  BatchNormalization: (at) => [
    typed(elemTypeOf(at), shapeOf(at)),
    ...[3, 4, 1, 2].map((input) => typed(elemTypeOf(at, input), shapeOf(at, input))),
  ],
  LayerNormalization: (at) => [typed(elemTypeOf(at), shapeOf(at))],
  QuantizeLinear: (at) => [typed(elemTypeOf(at, 2) || intOf(at.node, 'output_dtype', 0) || Type.UINT8, shapeOf(at))],
  DequantizeLinear: (at) => [typed(elemTypeOf(at, 1), shapeOf(at))],
  DynamicQuantizeLinear: (at) => [typed(Type.UINT8, shapeOf(at)), typed(Type.FLOAT, []), typed(Type.UINT8, [])],
};
