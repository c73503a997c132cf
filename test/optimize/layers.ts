// Small models with one layer each, of weights that are the same every time.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { newNode } from '../../src/onnx/new-node.ts';
import { newWeight } from '../../src/onnx/new-weight.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { value } from '../onnx/tiny-model.ts';

type GraphInit = Exclude<MessageInitShape<typeof GraphProtoSchema>, GraphProto>;

export function bytesOf(graph: GraphInit, opset = 17): Uint8Array {
  return writeModel(
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [
        { domain: '', version: BigInt(opset) },
        ...(graph.node?.some(({ domain }) => domain === 'com.microsoft')
          ? [{ domain: 'com.microsoft', version: 1n }]
          : []),
      ],
      graph,
    }),
  );
}

export function uniform(seed: number, length: number, reach = 1): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, () => (random() * 2 - 1) * reach);
}

export interface Case {
  readonly bytes: Uint8Array;
  feeds(seed: number): Tensors;
}

/** x [N, 32] → MatMul, Add → Relu → Gemm (weights turned) → y [N, 10] */
export function perceptron(): Case {
  return {
    bytes: bytesOf({
      name: 'perceptron',
      input: [value('x', ['N', 32])],
      output: [value('y', ['N', 10])],
      initializer: [
        newWeight('w1', [32, 48], uniform(1, 32 * 48, 0.3)),
        newWeight('b1', [48], uniform(2, 48)),
        newWeight('w2', [10, 48], uniform(3, 480, 0.3)),
        newWeight('b2', [10], uniform(4, 10)),
      ],
      node: [
        newNode('MatMul', ['x', 'w1'], ['m1']),
        newNode('Add', ['m1', 'b1'], ['a1']),
        newNode('Relu', ['a1'], ['h']),
        newNode('Gemm', ['h', 'w2', 'b2'], ['y'], { transB: 1 }),
      ],
    }),
    feeds: (seed) => ({ x: tensor('FP32', [3, 32], uniform(seed, 96)) }),
  };
}

/** x [N, 3, 12, 12] → Conv → Mul, Add → BatchNormalization → Relu → depthwise Conv → y: as Paddle exports, weights in Constant nodes. */
export function convolutions(opset = 17): Case {
  const constants = {
    w1: newWeight('', [8, 3, 3, 3], uniform(1, 216, 0.4)),
    scale: newWeight('', [1], Float32Array.of(1.3)),
    shift: newWeight('', [8, 1, 1], uniform(2, 8)),
    gamma: newWeight('', [8], uniform(3, 8)),
    beta: newWeight('', [8], uniform(4, 8)),
    mean: newWeight('', [8], uniform(5, 8)),
    variance: newWeight(
      '',
      [8],
      uniform(6, 8).map((one) => one + 1.5),
    ),
    w2: newWeight('', [8, 1, 3, 3], uniform(7, 72, 0.5)),
    b2: newWeight('', [8], uniform(8, 8)),
  };
  const same = { pads: [1, 1, 1, 1] };
  return {
    bytes: bytesOf(
      {
        name: 'convolutions',
        input: [value('x', ['N', 3, 12, 12])],
        output: [value('y', ['N', 8, 12, 12])],
        node: [
          ...Object.entries(constants).map(([name, t]) => ({
            opType: 'Constant',
            output: [name],
            attribute: [{ name: 'value', type: 4, t }],
          })),
          newNode('Conv', ['x', 'w1'], ['c1'], same),
          newNode('Mul', ['scale', 'c1'], ['s1']),
          newNode('Add', ['s1', 'shift'], ['a1']),
          newNode('BatchNormalization', ['a1', 'gamma', 'beta', 'mean', 'variance'], ['n1']),
          newNode('Relu', ['n1'], ['r1']),
          newNode('Conv', ['r1', 'w2', 'b2'], ['y'], { ...same, group: 8 }),
        ],
      },
      opset,
    ),
    feeds: (seed) => ({ x: tensor('FP32', [1, 3, 12, 12], uniform(seed, 432)) }),
  };
}

/** ids [N, S] of INT64 → Gather → rows of a table → y */
export function embedding(): Case {
  return {
    bytes: bytesOf({
      name: 'embedding',
      input: [value('ids', ['N', 'S'], Type.INT64)],
      output: [value('y', ['N', 'S', 16])],
      initializer: [newWeight('table', [50, 16], uniform(9, 800, 3))],
      node: [newNode('Gather', ['table', 'ids'], ['y'])],
    }),
    feeds: (seed) => ({ ids: tensor('INT64', [1, 4], BigInt64Array.from([1, 7, 49, seed % 50], BigInt)) }),
  };
}

/** x [S, N, 12] → LSTM, GRU or RNN of 16, both directions → y [S, 2, N, 16] and the last state. */
export function recurrent(kind: 'LSTM' | 'GRU' | 'RNN' = 'LSTM'): Case {
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[kind] * 16;
  const node = newNode(kind, ['x', 'w', 'r', 'b'], ['y', 'last'], { hidden_size: 16 });
  node.attribute.push(create(AttributeProtoSchema, { name: 'direction', type: 3, s: Buffer.from('bidirectional') }));
  return {
    bytes: bytesOf({
      name: kind,
      input: [value('x', ['S', 'N', 12])],
      output: [value('y', ['S', 2, 'N', 16]), value('last', [2, 'N', 16])],
      initializer: [
        newWeight('w', [2, gates, 12], uniform(1, 24 * gates, 0.5)),
        newWeight('r', [2, gates, 16], uniform(2, 32 * gates, 0.5)),
        newWeight('b', [2, 2 * gates], uniform(3, 4 * gates, 0.2)),
      ],
      node: [node],
    }),
    feeds: (seed) => ({ x: tensor('FP32', [7, 3, 12], uniform(seed, 252)) }),
  };
}

/** x [N, 6, 32] → com.microsoft's Attention of four heads → y */
export function attention({ bias = true } = {}): Case {
  return {
    bytes: bytesOf({
      name: 'attention',
      input: [value('x', ['N', 6, 32])],
      output: [value('y', ['N', 6, 32])],
      initializer: [
        newWeight('w', [32, 96], uniform(1, 32 * 96, 0.3)),
        ...(bias ? [newWeight('b', [96], uniform(2, 96, 0.2))] : []),
      ],
      node: [newNode('Attention', ['x', 'w', bias ? 'b' : ''], ['y'], { num_heads: 4 }, 'com.microsoft')],
    }),
    feeds: (seed) => ({ x: tensor('FP32', [2, 6, 32], uniform(seed, 384)) }),
  };
}

/** A perceptron of one layer in each branch of an If, over the same x; one of them has a weight of its own. */
export function branches(): Case {
  const branch = (name: string, initializer: TensorProto[]) =>
    create(GraphProtoSchema, {
      name,
      output: [value(`${name}-y`, ['N', 16])],
      initializer,
      node: [
        newNode('MatMul', ['x', name === 'then' ? 'w' : `${name}-w`], [`${name}-m`]),
        newNode('Add', [`${name}-m`, 'b'], [`${name}-y`]),
      ],
    });
  const node = newNode('If', ['which'], ['y']);
  for (const [name, graph] of [
    ['then_branch', branch('then', [])],
    ['else_branch', branch('else', [newWeight('else-w', [32, 16], uniform(2, 512, 0.3))])],
  ] as const)
    node.attribute.push(create(AttributeProtoSchema, { name, type: 5, g: graph }));
  return {
    bytes: bytesOf({
      name: 'branches',
      input: [value('which', [], Type.BOOL), value('x', ['N', 32])],
      output: [value('y', ['N', 16])],
      initializer: [newWeight('w', [32, 16], uniform(1, 512, 0.3)), newWeight('b', [16], uniform(3, 16))],
      node: [node],
    }),
    feeds: (seed) => ({
      which: tensor('BOOL', [], Uint8Array.of(seed % 2)),
      x: tensor('FP32', [3, 32], uniform(seed, 96)),
    }),
  };
}
