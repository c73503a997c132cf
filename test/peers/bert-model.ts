// BERT as an ONNX graph, its weights read out of a safetensors file: what PyTorch's exporter would do with a model that is at hand
// without PyTorch.
import { readFileSync } from 'node:fs';
import { AttributeProto_AttributeType as Kind } from 'onnx-buf';
import { floats, integers, modelBytes, type Node, node, Type, value, type Weight } from '../../models/graph/parts.ts';

interface BertConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_hidden_layers: number;
}

export function bertModel(
  weightsFile: string,
  { hidden_size: width, num_attention_heads: heads, num_hidden_layers: layers }: BertConfig,
) {
  const nodes: Node[] = [];
  const weights: Weight[] = [
    integers('heads', [4], [0, 0, heads, width / heads]),
    integers('merged', [3], [0, 0, width]),
    integers('axes', [2], [1, 2]),
    integers('zero', [1], [0]),
    ...[
      ['one', 1],
      ['half', 0.5],
      ['far', -1e9],
      ['root2', Math.SQRT2],
      ['scale', Math.sqrt(heads / width)],
    ].map(([name, number]) => floats(String(name), [1], [Number(number)])),
  ];
  for (const { name, shape, data } of readSafetensors(weightsFile)) weights.push(floats(name, shape, data));
  let count = 0;
  const op = (
    opType: string,
    input: string[],
    attributes: Record<string, number | number[]> = {},
    output = `n${count++}`,
  ) => {
    nodes.push(node(opType, input, output, attributes));
    return output;
  };
  // PyTorch keeps a layer's weights [out, in].
  const linear = (x: string, name: string) =>
    op('Add', [op('MatMul', [x, op('Transpose', [`${name}.weight`], { perm: [1, 0] })]), `${name}.bias`]);
  const normed = (x: string, name: string, output = `n${count++}`) => {
    const made = node('LayerNormalization', [x, `${name}.weight`, `${name}.bias`], output, { axis: -1 });
    // BERT's own; the operator's default of 10⁻⁵ would show in the fourth decimal of a similarity.
    nodes.push({ ...made, attribute: [...(made.attribute ?? []), { name: 'epsilon', type: Kind.FLOAT, f: 1e-12 }] });
    return output;
  };
  const inHeads = (x: string, perm: number[]) => op('Transpose', [op('Reshape', [x, 'heads'])], { perm });
  const gelu = (x: string) =>
    op('Mul', [op('Mul', [x, 'half']), op('Add', [op('Erf', [op('Div', [x, 'root2'])]), 'one'])]);

  const hidden = op('Sub', ['one', op('Cast', ['attention_mask'], { to: Type.FLOAT })]);
  const bias = op('Unsqueeze', [op('Mul', [hidden, 'far']), 'axes']);
  const words = op('Gather', ['embeddings.word_embeddings.weight', 'input_ids']);
  const types = op('Gather', ['embeddings.token_type_embeddings.weight', 'token_type_ids']);
  const length = op('Shape', ['input_ids'], { start: 1, end: 2 });
  const places = op('Slice', ['embeddings.position_embeddings.weight', 'zero', length]);
  let x = normed(op('Add', [op('Add', [words, types]), places]), 'embeddings.LayerNorm');
  for (let at = 0; at < layers; at++) {
    const layer = `encoder.layer.${at}`;
    const q = inHeads(linear(x, `${layer}.attention.self.query`), [0, 2, 1, 3]);
    const k = inHeads(linear(x, `${layer}.attention.self.key`), [0, 2, 3, 1]);
    const v = inHeads(linear(x, `${layer}.attention.self.value`), [0, 2, 1, 3]);
    const shares = op('Softmax', [op('Add', [op('Mul', [op('MatMul', [q, k]), 'scale']), bias])], { axis: -1 });
    const heard = op('Reshape', [op('Transpose', [op('MatMul', [shares, v])], { perm: [0, 2, 1, 3] }), 'merged']);
    const attended = normed(
      op('Add', [linear(heard, `${layer}.attention.output.dense`), x]),
      `${layer}.attention.output.LayerNorm`,
    );
    const inner = gelu(linear(attended, `${layer}.intermediate.dense`));
    const last = at === layers - 1 ? 'last_hidden_state' : undefined;
    x = normed(op('Add', [linear(inner, `${layer}.output.dense`), attended]), `${layer}.output.LayerNorm`, last);
  }
  return modelBytes({
    producer: 'glowplug test/peers',
    about: 'BERT, from its safetensors.',
    opset: 17,
    ir: 8,
    graph: {
      name: 'bert',
      node: nodes,
      initializer: weights,
      input: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
        value(name, Type.INT64, ['batch', 'sequence']),
      ),
      output: [value('last_hidden_state', Type.FLOAT, ['batch', 'sequence', width])],
    },
  });
}

interface SafeTensor {
  readonly name: string;
  readonly shape: number[];
  readonly data: Float32Array;
}

/** Its 32-bit floats: eight bytes of the header's length, the header as JSON, the data. */
function readSafetensors(path: string): SafeTensor[] {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { dtype?: string; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    bytes.toString('utf8', 8, start),
  );
  return Object.entries(header).flatMap(([name, { dtype, shape, data_offsets: [from, to] = [0, 0] }]) =>
    dtype === 'F32'
      ? [{ name, shape, data: new Float32Array(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer) }]
      : [],
  );
}
