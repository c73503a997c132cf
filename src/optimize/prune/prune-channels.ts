// Removes whole channels: smaller weights, smaller activations, faster runs on any processor. What it costs in accuracy is
// for the gate to say, and for training to win back.
import type { GraphProto, TensorProto } from 'onnx-buf';
import { GlowplugError } from '../../core/errors.ts';
import { makeNode } from '../../onnx/attributes.ts';
import { changed } from '../../onnx/changed.ts';
import type { OnnxModel } from '../../onnx/read.ts';
import { elementCount, makeTensor, newElements, readTensor } from '../../onnx/tensor-values.ts';
import { inferShapes } from '../graph/infer-shapes.ts';
import { ownConstants } from '../graph/own-constants.ts';
import { sortNodes } from '../graph/sort-nodes.ts';
import { type ChannelGroup, type Cut, channelGroup, readGraph } from './channel-group.ts';
import { checkShare } from './prune-magnitude.ts';

export interface PruneOptions {
  /** Part of the channels of each group that goes, 0 to below 1; at least one stays. */
  readonly share: number;
  /** Layers by name or first output. One that cannot be pruned is an error then. @default all, those that cannot are told */
  readonly layers?: ReadonlySet<string>;
}

export interface Pruned {
  readonly model: OnnxModel;
  readonly groups: readonly PrunedGroup[];
  /** What stood against the other layers, one sentence a layer, with the node that did. */
  readonly refused: readonly string[];
}

export interface PrunedGroup {
  /** First outputs of the layers that made the channels. */
  readonly layers: readonly string[];
  readonly channels: number;
  /** Which of them went, in rising order: those whose weights are smallest over all layers that make them. */
  readonly removed: readonly number[];
  readonly cuts: readonly Cut[];
}

const layerTypes: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);

/**
 * The model with fewer channels in the layers of its outermost graph. A channel goes from everything that makes, carries
 * or takes it; where a node on the way is not understood, the whole group stays as it is.
 *
 * @throws GlowplugError MODEL_INVALID, CONFIG_INVALID, MODEL_UNSUPPORTED (a layer asked for by name cannot be pruned)
 * @example
 * const { model, refused } = pruneChannels(readModel(bytes), { share: 0.25 });
 */
export function pruneChannels(model: OnnxModel, { share, layers }: PruneOptions): Pruned {
  checkShare(share);
  const ready = ownConstants(sortNodes(model));
  const at = readGraph(ready.graph, inferShapes(ready).graphs.get(ready.graph) ?? new Map());
  const found = ready.graph.node.filter(
    ({ opType, name, output }) => layerTypes.has(opType) && (!layers || layers.has(name) || layers.has(output[0]!)),
  );
  const absent = [...(layers ?? [])].filter(
    (name) => !found.some((node) => node.name === name || node.output[0] === name),
  );
  if (absent.length > 0) throw unsupported(`expected layers of the model, got ${absent.join(', ')}`);

  const groups: PrunedGroup[] = [];
  const refused: string[] = [];
  const done = new Set<unknown>();
  let graph = ready.graph;
  for (const layer of found) {
    if (done.has(layer)) continue;
    const group = channelGroup(at, layer);
    if ('refused' in group) {
      if (layers) throw unsupported(`cannot prune ${layer.output[0]}: ${group.refused}`);
      refused.push(group.refused);
      continue;
    }
    for (const node of [...group.makers, ...group.depthwise]) done.add(node);
    const removed = weakest(graph, group, share);
    if (removed.length === 0) continue;
    graph = without(graph, group, removed);
    groups.push({
      layers: [...group.makers].map(({ output }) => output[0]!),
      channels: group.channels,
      removed,
      cuts: group.cuts,
    });
  }
  return {
    model: changed(ready, { graph: changed(graph, { valueInfo: [] }) }),
    groups,
    refused: [...new Set(refused)],
  };
}

/** Channels by the size of the weights that make them, each layer's measured by its own mean: the smallest `share`. */
function weakest(graph: GraphProto, { channels, cuts }: ChannelGroup, share: number): number[] {
  const scores = new Float64Array(channels);
  for (const { tensor, axis, role } of cuts) {
    if (role !== 'out') continue;
    const sizes = sizesAlong(graph, tensor, axis, channels);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / channels || 1;
    for (const [channel, size] of sizes.entries()) scores[channel]! += size / mean;
  }
  const count = Math.min(channels - 1, Math.floor(share * channels));
  const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}

function sizesAlong(graph: GraphProto, name: string, axis: number, channels: number): Float64Array {
  const sizes = new Float64Array(channels);
  const tensor = graph.initializer.find((one) => one.name === name);
  const values = tensor && readTensor(tensor);
  const inner = elementCount(values?.shape.slice(axis + 1) ?? []);
  for (const [index, one] of (values?.data ?? []).entries())
    sizes[Math.floor(index / inner) % channels]! += Math.abs(Number(one));
  return sizes;
}

function without(
  graph: GraphProto,
  { cuts, depthwise, channels }: ChannelGroup,
  removed: readonly number[],
): GraphProto {
  const axes = new Map<string, number[]>();
  for (const { tensor, axis } of cuts) axes.set(tensor, [...(axes.get(tensor) ?? []), axis]);
  const gone = new Set(removed);
  const outputs = new Set([...depthwise].map(({ output }) => output[0]));
  const { attribute } = makeNode('', [], [], { group: channels - removed.length });
  return changed(graph, {
    initializer: graph.initializer.map((tensor) =>
      (axes.get(tensor.name) ?? []).reduce((rest, axis) => sliced(rest, axis, gone), tensor),
    ),
    node: graph.node.map((node) =>
      outputs.has(node.output[0]) && node.opType === 'Conv'
        ? changed(node, { attribute: [...node.attribute.filter(({ name }) => name !== 'group'), ...attribute] })
        : node,
    ),
  });
}

function sliced(tensor: TensorProto, axis: number, gone: ReadonlySet<number>): TensorProto {
  const values = readTensor(tensor);
  const length = values?.shape[axis];
  if (!values || length === undefined) throw unsupported(`cannot read the weights ${tensor.name}`);
  const inner = elementCount(values.shape.slice(axis + 1));
  const shape = values.shape.map((one, index) => (index === axis ? one - gone.size : one));
  const data = newElements(values.elemType, elementCount(shape))!;
  let at = 0;
  for (let block = 0; block * inner < values.data.length; block++) {
    if (gone.has(block % length)) continue;
    data.set(values.data.subarray(block * inner, (block + 1) * inner) as never, at);
    at += inner;
  }
  return makeTensor(tensor.name, { elemType: values.elemType, shape, data });
}

function unsupported(message: string): GlowplugError {
  return new GlowplugError('MODEL_UNSUPPORTED', message, {
    remedy: 'Leave the layer out, or look at the graph with glowplug inspect.',
  });
}
