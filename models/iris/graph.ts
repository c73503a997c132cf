// The iris classifier as an ONNX graph: centimetres in, class and probabilities out; standardising is part of it.
import { floats, modelBytes, node, Type, value } from '../graph/parts.ts';

export interface Classifier {
  /** Of each feature, in cm. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** [feature][class] */
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** The bytes of the model: `x` [N, 4] → `class` [N], `probabilities` [N, 3]. */
export function irisModel({ mean, deviation, weights, bias }: Classifier): Uint8Array {
  const features = mean.length;
  const classes = bias.length;
  return modelBytes({
    producer: 'glowplug models/iris/train.ts',
    about: 'Iris flowers by multinomial logistic regression. Data: R. A. Fisher, 1936.',
    // Opset 13 is the first whose Softmax works on the last axis alone; IR 7 came with it. Every onnxruntime since 1.7 runs it.
    opset: 13,
    ir: 7,
    graph: {
      name: 'iris',
      input: [value('x', Type.FLOAT, ['N', features])],
      output: [value('class', Type.INT64, ['N']), value('probabilities', Type.FLOAT, ['N', classes])],
      initializer: [
        floats('mean', [features], mean),
        floats('deviation', [features], deviation),
        floats('weights', [features, classes], weights.flat()),
        floats('bias', [classes], bias),
      ],
      node: [
        node('Sub', ['x', 'mean'], 'centred'),
        node('Div', ['centred', 'deviation'], 'scaled'),
        node('Gemm', ['scaled', 'weights', 'bias'], 'logits'),
        node('Softmax', ['logits'], 'probabilities', { axis: 1 }),
        node('ArgMax', ['logits'], 'class', { axis: 1, keepdims: 0 }),
      ],
    },
  });
}
