// What quantisation works on: a node that multiplies an activation with a weight that is known.
import type { NodeProto, TensorProto } from 'onnx-buf';
import { floatOf, intOf } from '../onnx/attributes.ts';
import { domainName } from '../onnx/nodes.ts';
import { dimsOf, floatsOf } from '../onnx/read-constants.ts';

export interface LayerWeight {
  /** Position of the weight among the inputs. */
  readonly at: number;
  readonly dims: readonly number[];
  readonly weight: Float32Array;
  /** Dimension of the weight that is the output's channels (of an embedding: its rows). */
  readonly axis: number;
}

export interface LinearLayer extends LayerWeight {
  readonly node: NodeProto;
  /** Its name: that of the first value it makes, which a graph has once. */
  readonly name: string;
  readonly kind: 'Conv' | 'ConvTranspose' | 'MatMul' | 'Gemm' | 'Gather' | 'LSTM' | 'GRU' | 'RNN' | 'Attention';
  /** What LSTM, GRU and RNN multiply their own last output with. */
  readonly recurrent?: LayerWeight;
  /** Stands in a subgraph (If, Loop): its values cannot be looked at from outside. */
  readonly isInner: boolean;
}

/** The node as a layer; undefined where it is another operator, or its weight is no constant of floats. */
export function linearLayer(
  node: NodeProto,
  constants: ReadonlyMap<string, TensorProto>,
  isInner = false,
): LinearLayer | undefined {
  const found = placeOf(node);
  const name = node.output.find((one) => one !== '');
  const weight = found && weightAt(node, found, constants);
  if (!weight || !name || (found.kind === 'MatMul' && weight.dims.length !== 2)) return undefined;
  if (!recurrentKinds.has(found.kind)) return { node, name, isInner, ...found, ...weight };
  const recurrent = weightAt(node, { at: 2, axis: 1 }, constants);
  if (weight.dims.length !== 3 || recurrent?.dims.length !== 3) return undefined;
  return { node, name, isInner, ...found, ...weight, recurrent };
}

const recurrentKinds: ReadonlySet<string> = new Set(['LSTM', 'GRU', 'RNN']);

function weightAt(
  { input }: NodeProto,
  { at, axis }: Pick<LayerWeight, 'at' | 'axis'>,
  constants: ReadonlyMap<string, TensorProto>,
): LayerWeight | undefined {
  const tensor = constants.get(input[at] ?? '');
  const weight = tensor && floatsOf(tensor);
  const dims = tensor ? dimsOf(tensor) : [];
  return weight && weight.length > 0 && dims.length >= 2 ? { at, axis, dims, weight } : undefined;
}

function placeOf(node: NodeProto): Pick<LinearLayer, 'kind' | 'at' | 'axis'> | undefined {
  if (node.domain === 'com.microsoft' && node.opType === 'Attention') return { kind: 'Attention', at: 1, axis: 1 };
  if (domainName(node.domain) !== 'ai.onnx') return undefined;
  switch (node.opType) {
    case 'Conv':
      return { kind: 'Conv', at: 1, axis: 0 };
    case 'ConvTranspose':
      // [in, out / groups, …]: with groups an index of axis 1 is several channels, which share the scale.
      return { kind: 'ConvTranspose', at: 1, axis: 1 };
    case 'MatMul':
      return { kind: 'MatMul', at: 1, axis: 1 };
    case 'Gemm':
      if (intOf(node, 'transA', 0) !== 0 || floatOf(node, 'alpha', 1) !== 1 || floatOf(node, 'beta', 1) !== 1)
        return undefined;
      return { kind: 'Gemm', at: 1, axis: intOf(node, 'transB', 0) ? 0 : 1 };
    case 'Gather':
      return intOf(node, 'axis', 0) === 0 ? { kind: 'Gather', at: 0, axis: 0 } : undefined;
    // [directions, gates × hidden, in]: both directions of a gate share the scale.
    case 'LSTM':
    case 'GRU':
    case 'RNN':
      return { kind: node.opType, at: 1, axis: 1 };
    default:
      return undefined;
  }
}
