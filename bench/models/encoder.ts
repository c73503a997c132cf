// A transformer encoder as sentence embedders are: token ids and a mask of [batch, sequence], one vector a token.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { integers, modelBytes, type NodeInit, type TensorInit, value, weights } from './build.ts';

export function encoder({ layers = 6, width = 384, heads = 12, vocabulary = 2000 } = {}): Uint8Array {
  const node: NodeInit[] = [];
  const initializer: TensorInit[] = [
    weights('tokens', [vocabulary, width], 1),
    integers('heads', [0, 0, heads, width / heads]),
    integers('merged', [0, 0, width]),
    integers('axes', [1, 2]),
    { name: 'one', dataType: Type.FLOAT, floatData: [1] },
    { name: 'far', dataType: Type.FLOAT, floatData: [-1e4] },
    { name: 'scale', dataType: Type.FLOAT, floatData: [1 / Math.sqrt(width / heads)] },
    { name: 'gamma', dataType: Type.FLOAT, dims: [BigInt(width)], floatData: new Array(width).fill(1) },
    { name: 'beta', dataType: Type.FLOAT, dims: [BigInt(width)], floatData: new Array(width).fill(0) },
  ];
  const op = (opType: string, input: string[], output: string, more: Pick<NodeInit, 'attribute'> = {}) => {
    node.push({ opType, input, output: [output], ...more });
    return output;
  };
  const perm = (...axes: number[]) => ({ attribute: [{ name: 'perm', type: 7, ints: axes.map(BigInt) }] });
  const linear = (x: string, name: string, from: number, to: number) => {
    initializer.push(weights(`${name}.w`, [from, to], Math.sqrt(3 / from)), weights(`${name}.b`, [to], 0.1));
    return op('Add', [op('MatMul', [x, `${name}.w`], `${name}.m`), `${name}.b`], `${name}.y`);
  };
  const norm = (x: string, output: string) =>
    op('LayerNormalization', [x, 'gamma', 'beta'], output, { attribute: [{ name: 'axis', type: 2, i: -1n }] });
  const split = (x: string, ...axes: number[]) =>
    op('Transpose', [op('Reshape', [x, 'heads'], `${x}.h`)], `${x}.t`, perm(...axes));

  op('Cast', ['attention_mask'], 'mask', { attribute: [{ name: 'to', type: 2, i: 1n }] });
  op('Mul', [op('Sub', ['one', 'mask'], 'hidden'), 'far'], 'bias2');
  op('Unsqueeze', ['bias2', 'axes'], 'bias');
  let x = op('Gather', ['tokens', 'input_ids'], 'x');
  for (let at = 0; at < layers; at++) {
    const l = `l${at}`;
    const q = split(linear(x, `${l}.q`, width, width), 0, 2, 1, 3);
    const k = split(linear(x, `${l}.k`, width, width), 0, 2, 3, 1);
    const v = split(linear(x, `${l}.v`, width, width), 0, 2, 1, 3);
    const scores = op('Mul', [op('MatMul', [q, k], `${l}.qk`), 'scale'], `${l}.s`);
    const shares = op('Softmax', [op('Add', [scores, 'bias'], `${l}.sb`)], `${l}.p`);
    const seen = op('Transpose', [op('MatMul', [shares, v], `${l}.pv`)], `${l}.c`, perm(0, 2, 1, 3));
    const merged = op('Reshape', [seen, 'merged'], `${l}.cm`);
    const attended = norm(op('Add', [x, linear(merged, `${l}.o`, width, width)], `${l}.r1`), `${l}.n1`);
    const inner = op('Relu', [linear(attended, `${l}.f`, width, 4 * width)], `${l}.a`);
    const fed = op('Add', [attended, linear(inner, `${l}.g`, 4 * width, width)], `${l}.r2`);
    x = norm(fed, at === layers - 1 ? 'last_hidden_state' : `${l}.n2`);
  }
  return modelBytes({
    name: 'encoder',
    node,
    initializer,
    input: [
      value('input_ids', Type.INT64, ['batch', 'sequence']),
      value('attention_mask', Type.INT64, ['batch', 'sequence']),
    ],
    output: [value('last_hidden_state', Type.FLOAT, ['batch', 'sequence', width])],
  });
}
