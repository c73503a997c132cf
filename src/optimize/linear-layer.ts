// What quantisation works on: a node that multiplies an activation with a weight that is known.
import type { NodeProto, TensorProto } from 'onnx-buf';
import { floatOf, intOf } from '../onnx/attributes.ts';
import { domainName } from '../onnx/nodes.ts';
import { dimsOf, floatsOf } from '../onnx/read-constants.ts';

export interface LinearLayer {
  readonly node: NodeProto;
  /** Its name: that of the value it makes, which a graph has once. */
  readonly name: string;
  readonly kind: 'Conv' | 'ConvTranspose' | 'MatMul' | 'Gemm' | 'Gather';
  /** Position of the weight among the inputs. */
  readonly at: number;
  readonly dims: readonly number[];
  readonly weight: Float32Array;
  /** Dimension of the weight that is the output's channels (of an embedding: its rows). */
  readonly axis: number;
}

/** The node as a layer; undefined where it is another operator, or its weight is no constant of floats. */
export function linearLayer(node: NodeProto, constants: ReadonlyMap<string, TensorProto>): LinearLayer | undefined {
  const found = placeOf(node);
  const tensor = found && constants.get(node.input[found.at] ?? '');
  const weight = tensor && floatsOf(tensor);
  const name = node.output[0];
  if (!found || !weight || !name) return undefined;
  const dims = dimsOf(tensor);
  if (dims.length < 2 || weight.length === 0 || (found.kind === 'MatMul' && dims.length !== 2)) return undefined;
  return { node, name, dims, weight, ...found };
}

function placeOf(node: NodeProto): Pick<LinearLayer, 'kind' | 'at' | 'axis'> | undefined {
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
    default:
      return undefined;
  }
}
