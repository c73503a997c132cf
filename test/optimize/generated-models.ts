// Models out of a seed, as exporters write them: layers of an MLP, a convolutional net, a transformer block, among the
// noise that exporters leave: Identity, Dropout, Constant nodes, transposed weights, shapes taken apart and put together,
// branches that are always taken, nodes that nobody needs.
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { int64s, makeTensor } from '../../src/onnx/tensor-values.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { value } from '../onnx/tiny-model.ts';
import { numbers } from './real-models.ts';

export const kinds = ['mlp', 'conv', 'transformer'] as const;
export type Kind = (typeof kinds)[number];

export interface Generated {
  readonly model: OnnxModel;
  readonly feeds: readonly Tensors[];
}

type Attributes = Readonly<Record<string, number | readonly number[] | string | TensorProto | GraphProto>>;

/** The same model for the same kind and seed. */
export function generate(kind: Kind, seed: number): Generated {
  const b = builder(seed);
  const shapes = { mlp: ['N', 8], conv: ['N', 3, 'H', 12], transformer: ['N', 'T', 16] }[kind];
  const outputs = { mlp, conv, transformer }[kind](b, b.noise('x'));
  const graph = create(GraphProtoSchema, {
    name: kind,
    node: b.nodes,
    initializer: b.tensors,
    input: [value('x', shapes)],
    output: outputs.map((name) => value(name, undefined, isClass(b, name) ? Type.INT64 : Type.FLOAT)),
  });
  const model = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph });
  const feeds = [2, 3].map((batch) => ({
    x: floats(
      shapes.map((one, axis) => lengthOf(one, axis, batch)),
      seed + batch,
    ),
  }));
  // Through bytes, as a file would come: addresses are odd, absent fields absent.
  return { model: readModel(writeModel(model)), feeds };
}

function isClass({ nodes }: Builder, name: string): boolean {
  return nodes.some(({ opType, output }) => opType === 'ArgMax' && output[0] === name);
}

function lengthOf(one: number | string, axis: number, batch: number): number {
  return typeof one === 'number' ? one : axis === 0 ? batch : 8 + 2 * batch;
}

function floats(shape: readonly number[], seed: number) {
  return tensor(
    'FP32',
    shape,
    numbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
  );
}

type Builder = ReturnType<typeof builder>;

function builder(seed: number) {
  const nodes: NodeProto[] = [];
  const tensors: TensorProto[] = [];
  let state = seed >>> 0;
  let names = 0;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const node = (opType: string, input: readonly string[], attributes: Attributes = {}, outputs = 1) => {
    const output = Array.from({ length: outputs }, () => `v${names++}`);
    const attribute = Object.entries(attributes).map(([name, one]) => attributeOf(name, one));
    nodes.push(create(NodeProtoSchema, { opType, input: [...input], output, attribute }));
    return output[0]!;
  };
  const constant = (proto: TensorProto) => {
    if (random(2) === 0) return node('Constant', [], { value: proto });
    const name = `w${names++}`;
    tensors.push({ ...proto, name });
    return name;
  };
  const weight = (shape: readonly number[], scale = 0.4) => {
    const data = numbers(
      shape.reduce((a, b) => a * b, 1),
      seed + names,
    ).map((one) => one * scale);
    return constant(makeTensor('', { elemType: Type.FLOAT, shape, data }));
  };
  const ints = (...list: number[]) => constant(makeTensor('', int64s(list)));
  const float = (one: number) =>
    constant(makeTensor('', { elemType: Type.FLOAT, shape: [], data: Float32Array.of(one) }));
  const int = (one: number) => constant(makeTensor('', int64s([one], [])));

  /** The same value by a way round. */
  const noise = (x: string): string => {
    switch (random(9)) {
      case 0:
        return node('Identity', [x]);
      case 1:
        return node('Dropout', [x]);
      case 2:
        return node('Cast', [x], { to: Type.FLOAT });
      case 3:
        node('Neg', [x]);
        return x;
      case 4:
        return node('Reshape', [x, node('Shape', [x])]);
      case 5: {
        const branch = (opType: string) => {
          const name = `v${names++}`;
          const body = [create(NodeProtoSchema, { opType, input: [x], output: [name] })];
          return create(GraphProtoSchema, { name: 'branch', node: body, output: [value(name, undefined)] });
        };
        const is = node('Equal', [node('Size', [node('Shape', [node('Shape', [x])])]), int(1)]);
        return node('If', [is], { then_branch: branch('Identity'), else_branch: branch('Neg') });
      }
      default:
        return x;
    }
  };
  return { nodes, tensors, random, node, weight, float, ints, int, noise };
}

function attributeOf(name: string, one: Attributes[string]): AttributeProto {
  if (typeof one === 'number') {
    return Number.isInteger(one)
      ? create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(one) })
      : create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: one });
  }
  if (typeof one === 'string')
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: Buffer.from(one) });
  if (!('$typeName' in one))
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: one.map(BigInt) });
  return one.$typeName === 'onnx.GraphProto'
    ? create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: one })
    : create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: one });
}

const activations = ['Relu', 'Sigmoid', 'Tanh', 'HardSigmoid', 'LeakyRelu'] as const;

function mlp(b: Builder, x: string): string[] {
  let [current, width] = [x, 8];
  for (let layer = 0; layer < 2 + b.random(3); layer++) {
    const next = 4 + 4 * b.random(6);
    if (b.random(2) === 0)
      current = b.node('Gemm', [current, b.weight([next, width]), b.weight([next])], { transB: 1 });
    else {
      const w =
        b.random(2) === 0 ? b.weight([width, next]) : b.node('Transpose', [b.weight([next, width])], { perm: [1, 0] });
      current = b.node('Add', [b.node('MatMul', [b.noise(current), w]), b.weight([next])]);
    }
    current = b.noise(b.node(activations[b.random(activations.length)]!, [current]));
    width = next;
  }
  const logits = b.node('Gemm', [current, b.weight([width, 3])]);
  return [
    b.noise(logits),
    b.node('ArgMax', [logits], { axis: 1, keepdims: 0 }),
    b.node('Softmax', [logits], { axis: -1 }),
  ];
}

function conv(b: Builder, x: string): string[] {
  let [current, channels] = [x, 3];
  for (let layer = 0; layer < 2 + b.random(3); layer++) {
    const next = 4 + 4 * b.random(3);
    const depthwise = b.random(3) === 0;
    const made = depthwise ? channels : next;
    const w = b.weight([made, depthwise ? 1 : channels, 3, 3]);
    const stride = 1 + b.random(2);
    const attributes = {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      strides: [stride, stride],
      group: depthwise ? channels : 1,
    };
    let y = b.node('Conv', b.random(2) === 0 ? [current, w] : [current, w, b.weight([made])], attributes);
    if (b.random(2) === 0) {
      const variance = b.node('Add', [b.node('Abs', [b.weight([made])]), b.float(0.5)]);
      y = b.node('BatchNormalization', [y, ...[1, 2, 3].map(() => b.weight([made])), variance]);
    }
    y = b.random(3) === 0 ? hardSwish(b, y) : b.node(activations[b.random(activations.length)]!, [b.noise(y)]);
    current = made === channels && stride === 1 && b.random(2) === 0 ? b.node('Add', [y, current]) : y;
    if (b.random(4) === 0)
      current = b.node('Mul', [current, b.node('Sigmoid', [b.node('GlobalAveragePool', [current])])]);
    channels = made;
  }
  const pooled = b.node('GlobalAveragePool', [current]);
  // [N, C, 1, 1] → [N, C], the long way that tracing exporters write.
  const rows = b.node('Gather', [b.node('Shape', [pooled]), b.int(0)], { axis: 0 });
  const shape = b.node('Concat', [b.node('Unsqueeze', [rows, b.ints(0)]), b.ints(channels)], { axis: 0 });
  const flat = b.random(2) === 0 ? b.node('Reshape', [pooled, shape]) : b.node('Flatten', [pooled]);
  return [b.noise(current), b.node('Gemm', [flat, b.weight([channels, 5])])];
}

/** As Paddle writes it, and the other way round. */
function hardSwish(b: Builder, x: string): string {
  const clipped = b.node('Clip', [b.node('Add', [x, b.float(3)]), b.float(0), b.float(6)]);
  if (b.random(2) === 0) return b.node('Div', [b.node('Mul', [x, clipped]), b.float(6)]);
  return b.node('Mul', [b.node('Div', [clipped, b.float(6)]), x]);
}

function transformer(b: Builder, x: string): string[] {
  const [width, heads] = [16, 2 + 2 * b.random(2)];
  const linear = (from: string, to: number, w = width) =>
    b.node('Add', [b.node('MatMul', [from, b.weight([w, to])]), b.weight([to])]);
  const shape = b.node('Shape', [x]);
  const at = (axis: number) => b.node('Unsqueeze', [b.node('Gather', [shape, b.int(axis)]), b.ints(0)]);
  const split = b.node('Concat', [at(0), at(1), b.ints(heads), b.ints(width / heads)], { axis: 0 });
  const head = (name: string, perm: number[]) => b.node('Transpose', [b.node('Reshape', [name, split])], { perm });
  const normal = norm(b, x, width);
  const [q, k, v] = [0, 1, 2].map((index) => head(linear(normal, width), index === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3]));
  const scores = b.node('Div', [
    b.node('MatMul', [q!, k!]),
    b.node('Sqrt', [b.node('Cast', [b.int(width / heads)], { to: Type.FLOAT })]),
  ]);
  const mixed = b.node('Transpose', [b.node('MatMul', [b.noise(b.node('Softmax', [scores], { axis: -1 })), v!])], {
    perm: [0, 2, 1, 3],
  });
  const joined = b.node('Reshape', [mixed, b.node('Concat', [at(0), at(1), b.ints(width)], { axis: 0 })]);
  const attended = b.noise(b.node('Add', [linear(joined, width), x]));
  const inner = linear(norm(b, attended, width), 2 * width);
  const gelu = b.node('Mul', [inner, b.node('Sigmoid', [inner])]);
  return [b.noise(b.node('Add', [linear(gelu, width, 2 * width), attended]))];
}

/** Layer normalisation as old opsets write it. */
function norm(b: Builder, x: string, width: number): string {
  const centred = b.node('Sub', [x, b.node('ReduceMean', [x], { axes: [-1] })]);
  const two = b.node('Cast', [b.int(2)], { to: Type.FLOAT });
  const variance = b.node('ReduceMean', [b.node('Pow', [centred, two])], { axes: [-1] });
  const eps = b.node('Div', [b.float(1), b.float(100_000)]);
  const scaled = b.node('Div', [centred, b.node('Sqrt', [b.node('Add', [variance, eps])])]);
  return b.node('Add', [b.node('Mul', [scaled, b.weight([width])]), b.weight([width])]);
}
