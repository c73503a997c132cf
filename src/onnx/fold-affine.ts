// Folds what scales and shifts a convolution's channels into the convolution: Mul and Add of constants, BatchNormalization.
// onnxruntime does so when it loads a float model; between a convolution and its quantised output nothing may stand.
import type { NodeProto, TensorProto } from 'onnx-buf';
import { floatOf } from './attributes.ts';
import { type Consumers, consumersOf } from './consumers.ts';
import { newWeight } from './new-weight.ts';
import { domainName } from './nodes.ts';
import type { OnnxModel } from './read.ts';
import { constantsOf, dimsOf, floatsOf } from './read-constants.ts';

interface Affine {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

/** Changes `model`; returns how many nodes went into a convolution. */
export function foldAffine({ graph }: OnnxModel): number {
  const constants = constantsOf(graph);
  const consumers = consumersOf(graph);
  const gone = new Set<NodeProto>();
  for (const conv of graph.node) {
    if (conv.opType !== 'Conv' || domainName(conv.domain) !== 'ai.onnx') continue;
    const weight = constants.get(conv.input[1] ?? '');
    const dims = weight ? dimsOf(weight) : [];
    // Copies: both are written to.
    const floats = weight && floatsOf(weight)?.slice();
    const bias = conv.input[2] ? floatsAt(constants, conv.input[2])?.slice() : new Float32Array(dims[0] ?? 0);
    if (!floats || !bias || dims.length < 3) continue;
    const folded = takeFollowing(conv, { weight: floats, bias, dims }, constants, consumers, gone);
    if (!folded) continue;
    const name = conv.output[0]!;
    graph.initializer.push(
      newWeight(`${name}/folded`, dims, floats),
      newWeight(`${name}/folded-bias`, [bias.length], bias),
    );
    conv.input = [conv.input[0]!, `${name}/folded`, `${name}/folded-bias`];
  }
  graph.node = graph.node.filter((node) => !gone.has(node));
  return gone.size;
}

/** Works each affine node that follows into the arrays, and lets the convolution make what the last of them made. */
function takeFollowing(
  conv: NodeProto,
  into: { readonly weight: Float32Array; readonly bias: Float32Array; readonly dims: readonly number[] },
  constants: ReadonlyMap<string, TensorProto>,
  consumers: Consumers,
  gone: Set<NodeProto>,
): boolean {
  const channels = into.dims[0]!;
  const size = into.weight.length / channels;
  let folded = false;
  for (;;) {
    const value = conv.output[0]!;
    const next = consumers.only(value);
    const affine = next && affineOf(next, value, channels, into.dims.length, constants);
    if (!affine) return folded;
    for (let channel = 0; channel < channels; channel++) {
      const scale = affine.scale[channel]!;
      for (let at = channel * size; at < (channel + 1) * size; at++) into.weight[at]! *= scale;
      into.bias[channel] = into.bias[channel]! * scale + affine.shift[channel]!;
    }
    conv.output = [next.output[0]!];
    gone.add(next);
    folded = true;
  }
}

function affineOf(
  node: NodeProto,
  value: string,
  channels: number,
  rank: number,
  constants: ReadonlyMap<string, TensorProto>,
): Affine | undefined {
  if (domainName(node.domain) !== 'ai.onnx') return undefined;
  if (node.opType === 'BatchNormalization') return batchNormalization(node, channels, constants);
  if (node.opType !== 'Mul' && node.opType !== 'Add') return undefined;
  const other = node.input.find((name) => name !== value);
  const tensor = other === undefined ? undefined : constants.get(other);
  const factors = tensor && perChannel(tensor, channels, rank);
  if (!factors) return undefined;
  return node.opType === 'Mul'
    ? { scale: factors, shift: new Float32Array(channels) }
    : { scale: new Float32Array(channels).fill(1), shift: factors };
}

/** A constant that broadcasts to one value a channel of [N, C, …]; undefined where it does not, or adds dimensions. */
function perChannel(tensor: TensorProto, channels: number, rank: number): Float32Array | undefined {
  const values = floatsOf(tensor);
  const dims = dimsOf(tensor);
  if (!values || dims.length > rank) return undefined;
  if (values.length === 1) return new Float32Array(channels).fill(values[0]!);
  const axis = dims.length - (rank - 1);
  return values.length === channels && dims[axis] === channels ? values : undefined;
}

function batchNormalization(
  node: NodeProto,
  channels: number,
  constants: ReadonlyMap<string, TensorProto>,
): Affine | undefined {
  if (node.output.filter(Boolean).length !== 1) return undefined;
  const [gamma, beta, mean, variance] = node.input.slice(1).map((name) => floatsAt(constants, name));
  if (!gamma || !beta || !mean || !variance || gamma.length !== channels) return undefined;
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const scale = gamma.map((value, at) => value / Math.sqrt(variance[at]! + epsilon));
  return { scale, shift: beta.map((value, at) => value - mean[at]! * scale[at]!) };
}

function floatsAt(constants: ReadonlyMap<string, TensorProto>, name: string): Float32Array | undefined {
  const tensor = constants.get(name);
  return tensor && floatsOf(tensor);
}
