// A sentence encoder as transformers are, of one layer: token ids and a mask [batch, sequence] → a vector a token. Its weights are
// no result of training: each token's vector is a fixed random one, which the layer stirs a little.
import { floats, integers, modelBytes, type Node, node, Type, value, type Weight } from '../graph/parts.ts';

export interface Shape {
  readonly vocabulary: number;
  /** The first of the vocabulary: padding, beginning, end. */
  readonly special: number;
  readonly width: number;
  readonly heads: number;
  readonly maxTokens: number;
}

/** What the layer adds beside the tokens' own vectors: so little that texts with the same words stay close. */
const STIR = 0.1;

export function encoderModel({ vocabulary, special, width, heads, maxTokens }: Shape): Uint8Array {
  const nodes: Node[] = [];
  const weights: Weight[] = [
    // Of the special tokens, which every text has, there is nothing in a vector.
    floats('tokens', [vocabulary, width], numbers('tokens', vocabulary * width, 1).fill(0, 0, special * width)),
    floats('positions', [maxTokens, width], numbers('positions', maxTokens * width, 0.02)),
    floats(
      'gamma',
      [width],
      Array.from({ length: width }, () => 1),
    ),
    floats(
      'beta',
      [width],
      Array.from({ length: width }, () => 0),
    ),
    floats('one', [1], [1]),
    floats('far', [1], [-1e4]),
    floats('scale', [1], [1 / Math.sqrt(width / heads)]),
    floats('stir', [1], [STIR]),
    integers('heads', [4], [0, 0, heads, width / heads]),
    integers('merged', [3], [0, 0, width]),
    integers('axes', [2], [1, 2]),
    integers('zero', [1], [0]),
  ];
  const op = (opType: string, input: string[], output: string, attributes = {}) => {
    nodes.push(node(opType, input, output, attributes));
    return output;
  };
  const linear = (x: string, name: string, from: number, to: number) => {
    weights.push(floats(name, [from, to], numbers(name, from * to, Math.sqrt(3 / from))));
    return op('MatMul', [x, name], `${name}.y`);
  };
  const inHeads = (x: string, perm: number[]) =>
    op('Transpose', [op('Reshape', [x, 'heads'], `${x}.h`)], `${x}.t`, { perm });

  op('Cast', ['attention_mask'], 'mask', { to: Type.FLOAT });
  op('Unsqueeze', [op('Mul', [op('Sub', ['one', 'mask'], 'hidden'), 'far'], 'unseen'), 'axes'], 'bias');
  // The first positions, as many as there are tokens.
  op('Slice', ['positions', 'zero', op('Shape', ['input_ids'], 'length', { start: 1, end: 2 })], 'here');
  const x = op('Add', [op('Gather', ['tokens', 'input_ids'], 'words'), 'here'], 'x');
  const calm = op('LayerNormalization', [x, 'gamma', 'beta'], 'calm', { axis: -1 });
  const q = inHeads(linear(calm, 'q', width, width), [0, 2, 1, 3]);
  const k = inHeads(linear(calm, 'k', width, width), [0, 2, 3, 1]);
  const v = inHeads(linear(calm, 'v', width, width), [0, 2, 1, 3]);
  const scores = op('Add', [op('Mul', [op('MatMul', [q, k], 'qk'), 'scale'], 'scores'), 'bias'], 'seen');
  const mixed = op('MatMul', [op('Softmax', [scores], 'shares', { axis: -1 }), v], 'mixed');
  const merged = op('Reshape', [op('Transpose', [mixed], 'back', { perm: [0, 2, 1, 3] }), 'merged'], 'attended');
  const heard = op('Add', [x, op('Mul', [linear(merged, 'o', width, width), 'stir'], 'little')], 'heard');
  const again = op('LayerNormalization', [heard, 'gamma', 'beta'], 'again', { axis: -1 });
  const inner = op('Relu', [linear(again, 'f', width, 2 * width)], 'inner');
  op('Add', [heard, op('Mul', [linear(inner, 'g', 2 * width, width), 'stir'], 'less')], 'last_hidden_state');

  return modelBytes({
    producer: 'glowplug models/toy-encoder/make.ts',
    about: 'A toy for tests: random vectors of words, stirred by one layer of a transformer.',
    // LayerNormalization came with 17.
    opset: 17,
    ir: 8,
    graph: {
      name: 'toy-encoder',
      node: nodes,
      initializer: weights,
      input: [
        value('input_ids', Type.INT64, ['batch', 'sequence']),
        value('attention_mask', Type.INT64, ['batch', 'sequence']),
      ],
      output: [value('last_hidden_state', Type.FLOAT, ['batch', 'sequence', width])],
    },
  });
}

/** Numbers between ±`scale`: the same for the same name, under every Node. */
function numbers(name: string, count: number, scale: number): Float64Array {
  let state = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}
