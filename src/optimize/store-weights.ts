// Weights stored as INT8 and used as floats: Cast and Mul, which onnxruntime folds when it loads the model. The file is a
// quarter, runs take as long as before, and activations lose nothing.
import type { NodeProto } from 'onnx-buf';
import { newNode } from '../onnx/new-node.ts';
import { newWeight } from '../onnx/new-weight.ts';
import type { OnnxModel } from '../onnx/read.ts';
import type { LayerWeight, LinearLayer } from './linear-layer.ts';
import { quantizeChannels } from './quantize-array.ts';

const FLOAT = 1;

/** Changes the layer's node and adds to the graph; the nodes that make the float weights are returned, to stand before it. */
export function storeWeight(model: OnnxModel, layer: LinearLayer): NodeProto[] {
  const { name, node, recurrent } = layer;
  return [
    ...stored(model, node, name, layer),
    ...(recurrent ? stored(model, node, `${name}/recurrent`, recurrent) : []),
  ];
}

function stored({ graph }: OnnxModel, node: NodeProto, name: string, { dims, axis, at, weight }: LayerWeight) {
  const { data, scales } = quantizeChannels(weight, dims, axis);
  graph.initializer.push(
    newWeight(`${name}/int8`, dims, data),
    newWeight(`${name}/scales`, alongAxis(dims, axis), scales),
  );
  node.input[at] = `${name}/float`;
  return [
    newNode('Cast', [`${name}/int8`], [`${name}/cast`], { to: FLOAT }),
    newNode('Mul', [`${name}/cast`, `${name}/scales`], [`${name}/float`]),
  ];
}

/** The shape in which one value an index of `axis` broadcasts over the weight. */
function alongAxis(dims: readonly number[], axis: number): number[] {
  return dims.map((length, at) => (at === axis ? length : 1));
}
