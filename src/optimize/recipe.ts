// How a variant is made of its model: a form for each layer, and the ranges that samples showed. What is measured becomes a
// recipe; making the variant of it is pure, so that publishing needs neither samples nor a runtime.
import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { GlowplugError, shorten } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import { subgraphsOf } from '../onnx/attributes.ts';
import { consumersOf } from '../onnx/consumers.ts';
import { dropUnusedWeights } from '../onnx/drop-unused.ts';
import { foldAffine } from '../onnx/fold-affine.ts';
import { importOpset, opsetOf } from '../onnx/import-opset.ts';
import { nodesOf, operatorName } from '../onnx/nodes.ts';
import { type OnnxModel, readModel } from '../onnx/read.ts';
import { constantsOf } from '../onnx/read-constants.ts';
import { writeModel } from '../onnx/write.ts';
import { float16 } from './float16/float16.ts';
import { fuse } from './graph/fuse.ts';
import { raiseOpset } from './graph/raise-opset.ts';
import { simplify } from './graph/simplify.ts';
import { type LinearLayer, linearLayer } from './linear-layer.ts';
import { unpackGraph } from './optimized-graph.ts';
import { type Pruned, pruneChannels } from './prune/prune-channels.ts';
import { blockLayer } from './quantize-blocks.ts';
import { dynamicLayer, fuseBias, type SharedInputs, sharedInputs } from './quantize-dynamic.ts';
import { isStatic, type Range, type Ranges, type StaticGraph, staticLayer } from './quantize-static.ts';
import { storeWeight } from './store-weights.ts';

/**
 * `static`: INT8 with ranges known beforehand. `dynamic`: INT8, ranges taken while it runs. `stored`: the weight INT8 in the
 * file and float when it runs. `blocks8`, `blocks4`: the weight in blocks, unpacked while it runs. What has no form stays float.
 */
export const forms = ['static', 'dynamic', 'stored', 'blocks8', 'blocks4'] as const;
export type Form = (typeof forms)[number];

export interface Recipe {
  /** Layer → form; a layer is named by the value that it makes. */
  readonly layers: Readonly<Record<string, Form>>;
  /** Instead of forms: these operators in FP16, where it has their numbers; between them the model stays FP32. */
  readonly float16?: { readonly operators: readonly string[] };
  /** Of the values that static layers read and make. */
  readonly ranges?: Ranges;
  /** Before anything else, this part of the channels goes (`pruneChannels`); layers are those of what is left. */
  readonly prune?: { readonly share: number };
  /** After all that: the graph as onnxruntime's own optimiser left it, on the same weights (`packGraph`). */
  readonly graph?: string;
}

/** A model ready for quantising: what scales and shifts channels is part of its convolution. */
export function prepareModel(bytes: Uint8Array): OnnxModel {
  const model = fuse(readModel(bytes));
  foldAffine(model);
  return model;
}

/** The layers in the order of the graph, those of subgraphs behind; not those of two subgraphs that have one name. */
export function layersOf({ graph }: OnnxModel): LinearLayer[] {
  const layers = graphLayers(graph, new Map(), false);
  const counts = new Map<string, number>();
  for (const { name } of layers) counts.set(name, (counts.get(name) ?? 0) + 1);
  return layers.filter(({ name }) => counts.get(name) === 1);
}

/** A subgraph sees the constants of the graph around it. */
function graphLayers(graph: GraphProto, outer: ReadonlyMap<string, TensorProto>, isInner: boolean): LinearLayer[] {
  const constants = new Map([...outer, ...constantsOf(graph)]);
  return [
    ...graph.node.flatMap((node) => linearLayer(node, constants, isInner) ?? []),
    ...graph.node.flatMap(subgraphsOf).flatMap((inner) => graphLayers(inner, constants, true)),
  ];
}

/**
 * The bytes of the variant. Pure: the same model and recipe give the same bytes.
 *
 * @throws GlowplugError MODEL_INVALID, MODEL_UNSUPPORTED, CONFIG_INVALID (a recipe of another model)
 * @example
 * const variant = applyRecipe(readFileSync('model.onnx'), { layers: { logits: 'dynamic' } });
 */
export function applyRecipe(bytes: Uint8Array, { graph, prune, ...recipe }: Recipe): Uint8Array {
  const made = prune ? applied(prunedModel(bytes, prune.share).bytes, recipe) : applied(bytes, recipe);
  return graph === undefined ? made : unpackGraph(graph, made);
}

/** Without channels, and what stood against more. @throws GlowplugError CONFIG_INVALID (no share), MODEL_INVALID */
export function prunedModel(bytes: Uint8Array, share: number): Omit<Pruned, 'model'> & { bytes: Uint8Array } {
  const { model, ...rest } = pruneChannels(prepareModel(bytes), { share });
  return { bytes: writeModel(model), ...rest };
}

function applied(
  bytes: Uint8Array,
  { layers, ranges = {}, float16: half }: Omit<Recipe, 'prune' | 'graph'>,
): Uint8Array {
  if (half) return writeModel(halved(simplify(readModel(bytes)), half.operators));
  const model = Object.values(layers).includes('static') ? atLeastTen(prepareModel(bytes)) : prepareModel(bytes);
  const { graph } = model;
  const found = new Map(layersOf(model).map((layer) => [layer.node, layer]));
  checkNames(layers, [...found.values()]);
  const quantizing: Quantizing = {
    model,
    constants: constantsOf(graph),
    consumers: consumersOf(graph),
    ranges,
    dequantized: new Map(),
    behind: new Map(),
  };
  const rewrite = (one: GraphProto) => {
    const shared = sharedInputs(
      one.node.flatMap((node) => {
        const layer = found.get(node);
        return layer && layers[layer.name] === 'dynamic' ? layer : [];
      }),
      opsetOf(model),
    );
    one.node = one.node.flatMap((node) => {
      for (const inner of subgraphsOf(node)) rewrite(inner);
      const layer = found.get(node);
      const form = layer && layers[layer.name];
      const made = form ? formed(quantizing, layer, form, shared) : [node];
      return [...made, ...(quantizing.behind.get(node) ?? [])];
    });
    fuseBias(one, new Map([...constantsOf(graph), ...constantsOf(one)]));
  };
  rewrite(graph);
  dropUnusedWeights(graph);
  if ([...nodesOf(model)].some(({ domain }) => domain === 'com.microsoft')) importOpset(model, 'com.microsoft', 1);
  // Shapes and types that the file notes of values in between may be of what is gone.
  graph.valueInfo = [];
  return writeModel(model);
}

interface Quantizing extends StaticGraph {
  /** Nodes that follow a node. */
  readonly behind: Map<NodeProto, NodeProto[]>;
}

/** The first opset in which onnxruntime's quantised kernels stand. */
function atLeastTen(model: OnnxModel): OnnxModel {
  return opsetOf(model) < 10 ? raiseOpset(model, 10) : model;
}

function halved(model: OnnxModel, operators: readonly string[]): OnnxModel {
  const chosen = new Set(operators);
  const others = [...nodesOf(model)].filter((node) => !chosen.has(operatorName(node)));
  return float16(model, { keep: new Set(others.flatMap(({ output }) => output[0] ?? [])) });
}

function formed(graph: Quantizing, layer: LinearLayer, form: Form, shared: SharedInputs): NodeProto[] {
  const nodes = formedNodes(graph, layer, form, shared);
  if (nodes) return nodes;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected a form that ${layer.kind} has, got ${form} for ${shorten(layer.name)}`,
  );
}

function formedNodes(graph: Quantizing, layer: LinearLayer, form: Form, shared: SharedInputs): NodeProto[] | undefined {
  switch (form) {
    case 'stored':
      return [...storeWeight(graph.model, layer), layer.node];
    case 'dynamic':
      return dynamicLayer(graph.model, layer, shared);
    case 'blocks8':
      return blockLayer(graph.model, layer, 8);
    case 'blocks4':
      return blockLayer(graph.model, layer, 4);
    case 'static': {
      if (!isStatic(layer)) return undefined;
      const made = staticLayer(graph, layer);
      for (const [node, nodes] of made.behind) graph.behind.set(node, nodes);
      return [...made.before, layer.node];
    }
  }
}

function checkNames(layers: Recipe['layers'], found: readonly LinearLayer[]): void {
  const known = new Set(found.map(({ name }) => name));
  const foreign = Object.keys(layers).find((name) => !known.has(name));
  if (foreign === undefined) return;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected a recipe of this model, got one with the layer ${shorten(foreign)}`,
    {
      remedy: 'Make the recipe again: glowplug optimize.',
    },
  );
}

/** One layer and one range a line, so that a change can be read. */
export function serializeRecipe(recipe: Recipe): string {
  return `${JSON.stringify(recipe, null, 1).replaceAll(/\[\n\s+(\S+)\n\s+(\S+)\n\s+\]/g, '[$1 $2]')}\n`;
}

/** @throws GlowplugError CONFIG_INVALID */
export function parseRecipe(text: string, what: string): Recipe {
  const value: unknown = parseJson(text, what);
  const layers = isRecord(value) ? value['layers'] : undefined;
  const ranges = isRecord(value) ? (value['ranges'] ?? {}) : undefined;
  if (!isRecord(layers) || !isRecord(ranges)) throw notRecipe(what, 'got neither layers nor ranges');
  const { float16: half, prune, graph } = isRecord(value) ? value : {};
  if (graph !== undefined && typeof graph !== 'string') throw notRecipe(what, `got the graph ${shorten(graph)}`);
  return {
    ...(graph === undefined ? {} : { graph }),
    ...(isRecord(prune) ? { prune: { share: shareOf(prune['share'], what) } } : {}),
    ...(isRecord(half) && Array.isArray(half['operators'])
      ? { float16: { operators: half['operators'].map(String) } }
      : {}),
    layers: Object.fromEntries(Object.entries(layers).map(([name, form]) => [name, formOf(form, what)])),
    ranges: Object.fromEntries(Object.entries(ranges).map(([name, range]) => [name, rangeOf(range, what)])),
  };
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GlowplugError('CONFIG_INVALID', `expected a recipe in ${what}, got no JSON`, { cause });
  }
}

function shareOf(value: unknown, what: string): number {
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw notRecipe(what, `got the share ${shorten(value)} of channels`);
}

function formOf(value: unknown, what: string): Form {
  const form = forms.find((one) => one === value);
  if (form) return form;
  throw notRecipe(what, `got the form ${shorten(value)}; there are ${forms.join(', ')}`);
}

function rangeOf(value: unknown, what: string): Range {
  if (Array.isArray(value) && value.length === 2 && value.every(Number.isFinite))
    return [Number(value[0]), Number(value[1])];
  throw notRecipe(what, `got the range ${shorten(value)}`);
}

function notRecipe(what: string, came: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `expected a recipe in ${what}, ${came}`, {
    remedy: 'Make the recipe again: glowplug optimize.',
  });
}
