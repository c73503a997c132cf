// The iris classifier as an ONNX graph: centimetres in, class and probabilities out; standardising is part of it.
import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema, TensorProto_DataType as Type } from 'onnx-buf';

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
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      // Opset 13 is the first whose Softmax works on the last axis alone; IR 7 came with it. Every onnxruntime since 1.7 runs it.
      irVersion: 7n,
      opsetImport: [{ domain: '', version: 13n }],
      producerName: 'glowplug models/iris/train.ts',
      docString: 'Iris flowers by multinomial logistic regression. Data: R. A. Fisher, 1936.',
      graph: {
        name: 'iris',
        input: [value('x', Type.FLOAT, ['N', features])],
        output: [value('class', Type.INT64, ['N']), value('probabilities', Type.FLOAT, ['N', classes])],
        initializer: [
          weight('mean', [features], mean),
          weight('deviation', [features], deviation),
          weight('weights', [features, classes], weights.flat()),
          weight('bias', [classes], bias),
        ],
        node: [
          node('Sub', ['x', 'mean'], 'centred'),
          node('Div', ['centred', 'deviation'], 'scaled'),
          node('Gemm', ['scaled', 'weights', 'bias'], 'logits'),
          node('Softmax', ['logits'], 'probabilities', { axis: 1 }),
          node('ArgMax', ['logits'], 'class', { axis: 1, keepdims: 0 }),
        ],
      },
    }),
  );
}

function node(opType: string, input: string[], output: string, attributes: Record<string, number> = {}) {
  const attribute = Object.entries(attributes).map(([name, i]) => ({ name, type: Kind.INT, i: BigInt(i) }));
  return { name: output, opType, input, output: [output], attribute };
}

function weight(name: string, dims: number[], values: readonly number[]) {
  const rawData = new Uint8Array(values.length * 4);
  const view = new DataView(rawData.buffer);
  // ONNX is little-endian on every machine.
  for (const [at, number] of values.entries()) view.setFloat32(at * 4, number, true);
  return { name, dims: dims.map(BigInt), dataType: Type.FLOAT, rawData };
}

function value(name: string, elemType: number, shape: (number | string)[]) {
  const dim = shape.map((length) =>
    typeof length === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(length) } }
      : { value: { case: 'dimParam' as const, value: length } },
  );
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } } };
}
