// Matrix products in INT8 whose activations are quantised while they run: no samples needed.
import type { NodeProto, TensorProto } from 'onnx-buf';
import { type Consumers, consumersOf } from '../onnx/consumers.ts';
import { newNode } from '../onnx/new-node.ts';
import { newWeight } from '../onnx/new-weight.ts';
import type { OnnxModel } from '../onnx/read.ts';
import { dimsOf } from '../onnx/read-constants.ts';
import type { LinearLayer } from './linear-layer.ts';
import { quantizeChannels } from './quantize-array.ts';
import { dynamicAttention, dynamicLstm, isDynamicAttention, isDynamicLstm } from './quantize-recurrent.ts';

const FLOAT = 1;
const MICROSOFT = 'com.microsoft';

/** Whether onnxruntime has a kernel that quantises what the layer reads. */
export function isDynamic(layer: LinearLayer): boolean {
  const { kind, dims } = layer;
  if (kind === 'Gather') return dims.length === 2;
  return kind === 'MatMul' || kind === 'Gemm' || isDynamicLstm(layer) || isDynamicAttention(layer);
}

/**
 * The nodes that take the layer's place, or undefined where it has no dynamic kernel. What onnxruntime makes of the
 * DynamicQuantizeLinear and MatMulInteger of its own quantiser is written at once: one node, and no newer opset needed.
 */
export function dynamicLayer(model: OnnxModel, layer: LinearLayer, shared: SharedInputs): NodeProto[] | undefined {
  const { graph } = model;
  const { node, name, dims } = layer;
  if (!isDynamic(layer)) return undefined;
  if (layer.kind === 'Gather') return gatherRows(graph, layer);
  if (layer.kind === 'LSTM') return dynamicLstm(model, layer);
  if (layer.kind === 'Attention') return dynamicAttention(model, layer);
  const columns = layer.axis === 1 ? layer.weight : transpose(layer.weight, dims[0]!, dims[1]!);
  const shape = layer.axis === 1 ? dims : [dims[1]!, dims[0]!];
  const { data, scales } = quantizeChannels(columns, shape, 1);
  graph.initializer.push(
    newWeight(`${name}/int8`, shape, data),
    newWeight(`${name}/scales`, [shape[1]!], scales),
    newWeight(`${name}/zero`, [shape[1]!], new Int8Array(shape[1]!)),
  );
  const { before, product } = multiply(node.input[0]!, name, shared);
  const bias = node.input[2];
  // The kernel's bias is one value a column; Gemm's C may have other shapes, which Add broadcasts alike.
  if (!bias) return [...before, product(name)];
  return [...before, product(`${name}/product`), newNode('Add', [`${name}/product`, bias], [name])];
}

/** An input that several products read (query, key and value) is quantised once, where the opset has an operator for that. */
export interface SharedInputs {
  has(value: string): boolean;
  /** Those that were quantised already. */
  readonly done: Set<string>;
}

export function sharedInputs(layers: readonly LinearLayer[], opset: number): SharedInputs {
  const counts = new Map<string, number>();
  for (const { node, kind } of layers)
    if (kind === 'MatMul' || kind === 'Gemm') counts.set(node.input[0]!, (counts.get(node.input[0]!) ?? 0) + 1);
  return { has: (value) => opset >= 11 && (counts.get(value) ?? 0) > 1, done: new Set() };
}

function multiply(input: string, name: string, shared: SharedInputs) {
  const [data, scales, zero] = [`${name}/int8`, `${name}/scales`, `${name}/zero`];
  if (!shared.has(input)) {
    const product = (output: string) =>
      newNode('DynamicQuantizeMatMul', [input, data, scales, zero], [output], {}, MICROSOFT);
    return { before: [], product };
  }
  const quantized = ['uint8', 'step', 'offset'].map((part) => `${input}/dynamic-${part}`);
  const before = shared.done.has(input) ? [] : [newNode('DynamicQuantizeLinear', [input], quantized)];
  shared.done.add(input);
  const [codes = '', step = '', offset = ''] = quantized;
  const product = (output: string) =>
    newNode('MatMulIntegerToFloat', [codes, data, step, scales, offset, zero], [output], {}, MICROSOFT);
  return { before, product };
}

/** Inputs of each product before its bias. */
const beforeBias = new Map([
  ['DynamicQuantizeMatMul', 4],
  ['MatMulIntegerToFloat', 6],
]);

/** An Add of one value a column behind a dynamic product becomes its bias. Changes the graph. */
export function fuseBias(graph: OnnxModel['graph'], constants: ReadonlyMap<string, TensorProto>): void {
  const consumers = consumersOf(graph);
  const gone = new Set<NodeProto>();
  for (const node of graph.node) {
    if (node.domain !== MICROSOFT || beforeBias.get(node.opType) !== node.input.length) continue;
    const add = biasAfter(node, consumers, constants);
    if (!add) continue;
    node.input.push(add.input.find((name) => name !== node.output[0])!);
    node.output = [...add.output];
    gone.add(add);
  }
  graph.node = graph.node.filter((node) => !gone.has(node));
}

function biasAfter(
  { output, input }: NodeProto,
  consumers: Consumers,
  constants: ReadonlyMap<string, TensorProto>,
): NodeProto | undefined {
  const next = consumers.only(output[0]!);
  if (next?.opType !== 'Add') return undefined;
  const bias = constants.get(next.input.find((name) => name !== output[0]) ?? '');
  const columns = constants.get(input[1]!)?.dims[1];
  const dims = bias ? dimsOf(bias) : [];
  return dims.length === 1 && BigInt(dims[0]!) === columns ? next : undefined;
}

/** Rows of an embedding, each with its own scale: only those that are looked up become floats. */
function gatherRows(graph: OnnxModel['graph'], { node, name, dims, weight }: LinearLayer): NodeProto[] {
  const { data, scales } = quantizeChannels(weight, dims, 0);
  graph.initializer.push(newWeight(`${name}/int8`, dims, data), newWeight(`${name}/scales`, [dims[0]!, 1], scales));
  const ids = node.input[1]!;
  return [
    newNode('Gather', [`${name}/int8`, ids], [`${name}/rows`], { axis: 0 }),
    newNode('Cast', [`${name}/rows`], [`${name}/cast`], { to: FLOAT }),
    newNode('Gather', [`${name}/scales`, ids], [`${name}/factors`], { axis: 0 }),
    newNode('Mul', [`${name}/cast`, `${name}/factors`], [name]),
  ];
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column]!;
  }
  return turned;
}
