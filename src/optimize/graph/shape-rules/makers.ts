// Operators that make values out of shapes and attributes.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { attributeOf, intOf, intsOf } from '../../../onnx/attributes.ts';
import { lengthsOf, ofTensor, productOf, typed } from '../value-type.ts';
import { elemTypeOf, type Rule, type Rules, shapeOf } from './rule.ts';

const random: Rule = (at) => [typed(intOf(at.node, 'dtype', Type.FLOAT), intsOf(at.node, 'shape'))];
const randomLike: Rule = (at) => [typed(intOf(at.node, 'dtype', elemTypeOf(at)), shapeOf(at))];

export const makers: Rules = {
  Constant: (at) => {
    const tensor = attributeOf(at.node, 'value')?.t;
    return [tensor && ofTensor(tensor)];
  },
  Shape: (at) => {
    const shape = shapeOf(at);
    if (!shape) return [typed(Type.INT64, [undefined])];
    const [start, end] = [intOf(at.node, 'start', 0), intOf(at.node, 'end', shape.length)];
    const lengths = shape.slice(start, end);
    return [{ ...typed(Type.INT64, [lengths.length]), lengths }];
  },
  Size: (at) => {
    const shape = shapeOf(at);
    return [{ ...typed(Type.INT64, []), lengths: [shape && productOf(shape)] }];
  },
  ConstantOfShape: (at) => {
    const value = attributeOf(at.node, 'value')?.t;
    return [typed(value?.dataType ?? Type.FLOAT, lengthsOf(at.inputs[0]))];
  },
  Range: (at) => {
    const [start, limit, delta] = at.node.input.map((_name, index) => lengthsOf(at.inputs[index])?.[0]);
    const known = typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number' && delta !== 0;
    const count = known ? Math.max(0, Math.ceil((limit - start) / delta)) : undefined;
    return [typed(elemTypeOf(at), [Number.isSafeInteger(count) ? count : undefined])];
  },
  NonZero: (at) => [typed(Type.INT64, [shapeOf(at)?.length, undefined])],
  OneHot: (at) => {
    const shape = shapeOf(at);
    const axis = intOf(at.node, 'axis', -1);
    const depth = lengthsOf(at.inputs[1])?.[0];
    const place = shape && (axis < 0 ? axis + shape.length + 1 : axis);
    return [typed(elemTypeOf(at, 2), shape && [...shape.slice(0, place), depth, ...shape.slice(place)])];
  },
  EyeLike: randomLike,
  RandomNormal: random,
  RandomUniform: random,
  RandomNormalLike: randomLike,
  RandomUniformLike: randomLike,
  Bernoulli: randomLike,
  NonMaxSuppression: () => [typed(Type.INT64, [undefined, 3])],
};
