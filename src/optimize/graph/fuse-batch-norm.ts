// A BatchNormalization behind a convolution becomes part of its weights. onnxruntime does the same when it loads: ahead of
// time the file is smaller, and quantisation sees the weights that are run.
import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { floatOf, intOf } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { makeTensor, readTensor } from '../../onnx/tensor-values.ts';
import { removeDead } from './remove-dead.ts';
import { freshNames, mapGraphs, needs } from './scope.ts';

/** Equal but for rounding: scaled weights are rounded once more. Constants must be initialisers (`ownConstants`). */
export function fuseBatchNorm(model: OnnxModel): OnnxModel {
  const fresh = freshNames(model.graph);
  return removeDead(mapGraphs(model, (graph) => fused(graph, fresh)));
}

function fused(graph: GraphProto, fresh: (name: string) => string): GraphProto {
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node])));
  const uses = countUses(graph);
  const added: TensorProto[] = [];
  const replaced = new Map<NodeProto, NodeProto | undefined>();
  for (const norm of graph.node) {
    const conv = makers.get(norm.input[0] ?? '');
    if (norm.opType !== 'BatchNormalization' || norm.domain !== '' || conv?.opType !== 'Conv' || conv.domain !== '')
      continue;
    const hasOthers = norm.output.slice(1).some((name) => name !== '');
    if (hasOthers || uses.get(conv.output[0]!) !== 1 || intOf(norm, 'training_mode', 0) !== 0) continue;
    const [weight, bias] = scaled(conv, norm, tensors) ?? [];
    if (!weight || !bias) continue;
    const names = [fresh(conv.input[1]!), fresh(`${conv.output[0]}_bias`)];
    added.push(changed(weight, { name: names[0]! }), changed(bias, { name: names[1]! }));
    replaced.set(norm, undefined);
    replaced.set(conv, changed(conv, { input: [conv.input[0]!, ...names], output: [norm.output[0]!] }));
  }
  if (replaced.size === 0) return graph;
  const node = graph.node.flatMap((one) => (replaced.has(one) ? (replaced.get(one) ?? []) : one));
  return changed(graph, { node, initializer: [...graph.initializer, ...added] });
}

/** Weight and bias with the normalisation in them; undefined where they are not all constants of FP32. */
function scaled(
  conv: NodeProto,
  norm: NodeProto,
  tensors: ReadonlyMap<string, TensorProto>,
): TensorProto[] | undefined {
  const floats = (name: string | undefined) => {
    const tensor = name ? tensors.get(name) : undefined;
    const values = tensor && readTensor(tensor);
    return values?.data instanceof Float32Array ? { shape: values.shape, data: values.data } : undefined;
  };
  const weight = floats(conv.input[1]);
  const bias = conv.input[2] ? floats(conv.input[2]) : 'none';
  const parts = norm.input.slice(1, 5).map((name) => floats(name)?.data);
  const [scale, shift, mean, variance] = parts;
  const channels = weight?.shape[0] ?? 0;
  if (!weight || !bias || !scale || !shift || !mean || !variance || channels === 0) return undefined;
  if (parts.some((part) => part?.length !== channels) || (bias !== 'none' && bias.data.length !== channels))
    return undefined;

  const epsilon = floatOf(norm, 'epsilon', 1e-5);
  const factors = Float64Array.from(scale, (one, channel) => one / Math.sqrt(variance[channel]! + epsilon));
  if (!factors.every(Number.isFinite)) return undefined;
  const size = weight.data.length / channels;
  const data = weight.data.map((one, index) => one * factors[Math.floor(index / size)]!);
  const offset = Float32Array.from(
    factors,
    (factor, channel) => ((bias === 'none' ? 0 : bias.data[channel]!) - mean[channel]!) * factor + shift[channel]!,
  );
  return [
    makeTensor('', { elemType: 1, shape: weight.shape, data }),
    makeTensor('', { elemType: 1, shape: [channels], data: offset }),
  ];
}

function countUses(graph: GraphProto): Map<string, number> {
  const uses = new Map<string, number>();
  for (const name of [...graph.node.flatMap((node) => [...needs(node)]), ...graph.output.map(({ name }) => name)]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return uses;
}
