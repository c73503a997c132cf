// Layers in INT8 whose activations have ranges known beforehand: each value that enters or leaves one is quantised and
// dequantised (QDQ), which onnxruntime turns into integer kernels when it loads the model.
import type { NodeProto, TensorProto } from 'onnx-buf';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Consumers } from '../onnx/consumers.ts';
import { newNode } from '../onnx/new-node.ts';
import { newWeight } from '../onnx/new-weight.ts';
import type { OnnxModel } from '../onnx/read.ts';
import { floatsOf } from '../onnx/read-constants.ts';
import type { LinearLayer } from './linear-layer.ts';
import { type Affine, affineOf, quantizeChannels, roundEven } from './quantize-array.ts';

export type Range = readonly [min: number, max: number];
/** By the name of the value. */
export type Ranges = Readonly<Record<string, Range>>;

/** Its QuantizeLinear knows channels and zero points in every opset; ONNX's own does from opset 13 on. */
const MICROSOFT = 'com.microsoft';

/** The values whose ranges a static layer needs: what it reads, and for a convolution what it makes. */
export function valuesOf(layer: LinearLayer, consumers: Consumers): string[] {
  const input = layer.node.input[0]!;
  return layer.kind === 'Conv' ? [input, lastValue(layer.node, consumers)] : [input];
}

/** Whether the layer has a kernel that takes quantised activations. */
export function isStatic({ kind, isInner }: LinearLayer): boolean {
  return !isInner && (kind === 'Conv' || kind === 'MatMul' || kind === 'Gemm');
}

export interface StaticGraph {
  readonly model: OnnxModel;
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly consumers: Consumers;
  readonly ranges: Ranges;
  /** The dequantised form of each value that has one. */
  readonly dequantized: Map<string, string>;
}

/** Nodes to stand before and behind the layer's, which is changed. */
export function staticLayer(
  graph: StaticGraph,
  layer: LinearLayer,
): { before: NodeProto[]; behind: Map<NodeProto, NodeProto[]> } {
  const { model, ranges } = graph;
  const { node, name, dims, axis } = layer;
  const input = node.input[0]!;
  const before: NodeProto[] = [];
  const activation = affineOf(...rangeOf(ranges, input));
  node.input[0] = quantized(graph, input, activation, before);

  const { data, scales } = quantizeChannels(layer.weight, dims, axis);
  model.graph.initializer.push(
    newWeight(`${name}/int8`, dims, data),
    newWeight(`${name}/scales`, [scales.length], scales),
    newWeight(`${name}/zero`, [scales.length], new Int8Array(scales.length)),
  );
  node.input[1] = `${name}/weight`;
  before.push(
    newNode(
      'DequantizeLinear',
      [`${name}/int8`, `${name}/scales`, `${name}/zero`],
      [`${name}/weight`],
      { axis },
      MICROSOFT,
    ),
  );
  const bias = node.input[2] ? floatsAt(graph, node.input[2]) : undefined;
  if (bias && bias.length === scales.length) before.push(integerBias(model, layer, bias, scales, activation.scale));

  return { before, behind: layer.kind === 'Conv' ? quantizedOutput(graph, node) : new Map() };
}

/** INT32 in the scale of the products, as the kernel adds it. */
function integerBias(
  model: OnnxModel,
  { name, node }: LinearLayer,
  bias: Float32Array,
  weights: Float32Array,
  activation: number,
): NodeProto {
  const scales = weights.map((scale) => scale * activation);
  const limit = 2 ** 31 - 1;
  const data = Int32Array.from(bias, (value, at) => Math.max(-limit, Math.min(limit, roundEven(value / scales[at]!))));
  model.graph.initializer.push(
    newWeight(`${name}/bias32`, [data.length], data),
    newWeight(`${name}/bias-scales`, [data.length], scales),
    newWeight(`${name}/bias-zero`, [data.length], new Int32Array(data.length)),
  );
  node.input[2] = `${name}/bias`;
  const inputs = [`${name}/bias32`, `${name}/bias-scales`, `${name}/bias-zero`];
  return newNode('DequantizeLinear', inputs, [`${name}/bias`], { axis: 0 }, MICROSOFT);
}

/** The convolution's value, or that of the ReLU behind it, under another name until it went through QDQ. */
function quantizedOutput(graph: StaticGraph, conv: NodeProto): Map<NodeProto, NodeProto[]> {
  const value = lastValue(conv, graph.consumers);
  const last = value === conv.output[0] ? conv : graph.consumers.only(conv.output[0]!)!;
  last.output[0] = `${value}/before`;
  const nodes = pair(graph.model, `${value}/before`, value, affineOf(...rangeOf(graph.ranges, value)));
  graph.dequantized.set(value, value);
  return new Map([[last, nodes]]);
}

function lastValue(node: NodeProto, consumers: Consumers): string {
  const next = consumers.only(node.output[0]!);
  return next?.opType === 'Relu' ? next.output[0]! : node.output[0]!;
}

/** The value through QDQ, once for all who read it. */
function quantized(graph: StaticGraph, value: string, affine: Affine, before: NodeProto[]): string {
  const known = graph.dequantized.get(value);
  if (known !== undefined) return known;
  const name = `${value}/dequantized`;
  before.push(...pair(graph.model, value, name, affine));
  graph.dequantized.set(value, name);
  return name;
}

function pair({ graph }: OnnxModel, from: string, to: string, { scale, zeroPoint }: Affine): NodeProto[] {
  const [scaleName, zeroName] = [`${to}/step`, `${to}/offset`];
  graph.initializer.push(
    newWeight(scaleName, [], Float32Array.of(scale)),
    newWeight(zeroName, [], Uint8Array.of(zeroPoint)),
  );
  return [
    newNode('QuantizeLinear', [from, scaleName, zeroName], [`${to}/uint8`], {}, MICROSOFT),
    newNode('DequantizeLinear', [`${to}/uint8`, scaleName, zeroName], [to], {}, MICROSOFT),
  ];
}

function rangeOf(ranges: Ranges, value: string): Range {
  const range = ranges[value];
  if (range) return range;
  throw new GlowplugError('CONFIG_INVALID', `expected the range of ${shorten(value)} in the recipe, got none`, {
    remedy: 'Make the recipe again: glowplug optimize.',
  });
}

function floatsAt({ constants }: StaticGraph, name: string): Float32Array | undefined {
  const tensor = constants.get(name);
  return tensor && floatsOf(tensor);
}
