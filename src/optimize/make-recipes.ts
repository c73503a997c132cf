// The recipes that are worth trying for a model: which forms its layers have decides which there are.
import { GlowplugError } from '../core/errors.ts';
import { type Figures, type Gate, lossOf } from '../core/gate.ts';
import { consumersOf } from '../onnx/consumers.ts';
import { nodesOf } from '../onnx/nodes.ts';
import { type OnnxModel, readModel } from '../onnx/read.ts';
import { assess } from './assess.ts';
import { type CalibrationMethod, calibrate } from './calibrate.ts';
import type { LinearLayer } from './linear-layer.ts';
import type { Metric } from './metric.ts';
import { openBytes } from './open-bytes.ts';
import { isDynamic } from './quantize-dynamic.ts';
import { isStatic, type Ranges, valuesOf } from './quantize-static.ts';
import { applyRecipe, type Form, layersOf, prepareModel, prunedModel, type Recipe } from './recipe.ts';
import type { Sample } from './sample.ts';
import { type Found, searchPrecision } from './search-precision.ts';

export interface Candidate {
  /** The variant's name: `int8`, `int8-stored`. */
  readonly name: string;
  readonly precision: string;
  readonly recipe: Recipe;
  /** In a sentence. */
  readonly how: string;
  readonly search?: Found;
  /** Of which candidate it has the graph optimised beforehand: for the cold start, where nothing is optimised. */
  readonly of?: string;
  /** Features of the processor that such a graph is laid out for. */
  readonly needs?: readonly string[];
}

/** A smaller weight is not worth the nodes around it: 1 KB of floats. */
const LEAST_WEIGHT = 256;
/** Products of fewer weights than a block kernel pays for. */
const LEAST_BLOCKS = 64 * 64;

/**
 * Those that hold weights: they give nearly all of the size. On ppocr-rec the rest of the operators in FP16 would save another
 * 0.3 % and double the rows that answer otherwise (0.08 to 0.11 %).
 */
const HALVED = ['Conv', 'ConvTranspose', 'MatMul', 'Gemm', 'Gather', 'LSTM', 'GRU', 'RNN'];

/** Without samples: fusions alone where there are any, FP16, stored weights, dynamic INT8, blocks of 4 bits. */
export function recipesWithoutSamples(bytes: Uint8Array): Candidate[] {
  const prepared = prepareModel(bytes);
  const layers = layersOf(prepared).filter(({ weight }) => weight.length >= LEAST_WEIGHT);
  const fused: Candidate[] =
    operatorsOf(prepared) === operatorsOf(readModel(bytes))
      ? []
      : [{ name: 'fused', precision: 'fp32', recipe: { layers: {} }, how: 'the same in fewer steps' }];
  if (layers.length === 0) return fused;
  // An embedding alone is smaller by it and not faster, as it is by being stored.
  const dynamic = layers.filter((layer) => layer.kind !== 'Gather' && isDynamic(layer));
  const large = layers.filter(({ kind, weight }) => kind === 'MatMul' && weight.length >= LEAST_BLOCKS);
  return [
    ...fused,
    {
      name: 'fp16',
      precision: 'fp16',
      recipe: { layers: {}, float16: { operators: HALVED } },
      how: 'convolutions and products in FP16',
    },
    {
      name: 'int8-stored',
      precision: 'int8',
      recipe: { layers: formsOf(layers, () => 'stored') },
      how: 'weights INT8 in the file, float when it runs',
    },
    ...(dynamic.length > 0
      ? [
          {
            name: 'int8-dynamic',
            precision: 'int8',
            recipe: { layers: formsOf(layers, (layer) => (isDynamic(layer) ? 'dynamic' : 'stored')) },
            how: 'products, LSTM and attention in INT8, ranges taken while it runs',
          },
        ]
      : []),
    ...(large.length > 0
      ? [
          {
            name: 'int4',
            precision: 'int4',
            recipe: { layers: formsOf(layers, (layer) => (large.includes(layer) ? 'blocks4' : 'stored')) },
            how: 'weights of matrix products in blocks of 4 bits',
          },
        ]
      : []),
  ];
}

/**
 * Whole channels removed, by the size of their weights. Nothing is trained anew: what that costs, the gate tells.
 *
 * @param share of the channels of each group, above 0 and below 1
 * @throws GlowplugError MODEL_UNSUPPORTED where none can go, with what stands against it
 */
export function prunedCandidate(bytes: Uint8Array, share: number): Candidate {
  const { groups, refused } = prunedModel(bytes, share);
  const removed = groups.reduce((sum, group) => sum + group.removed.length, 0);
  if (removed === 0) {
    throw new GlowplugError(
      'MODEL_UNSUPPORTED',
      `no channel can go: ${refused.slice(0, 3).join('; ') || 'no layer has enough of them'}`,
    );
  }
  const channels = groups.reduce((sum, group) => sum + group.channels, 0);
  const kept = refused.length > 0 ? `; groups of layers left whole: ${refused.length}` : '';
  return {
    name: 'pruned',
    precision: 'fp32',
    recipe: { layers: {}, prune: { share } },
    how: `${removed} of ${channels} channels removed${kept}; not trained anew`,
  };
}

export interface StaticOptions {
  /** What ranges are taken from. */
  readonly calibration: readonly Sample[];
  /** What the gate is tried on. */
  readonly trial: readonly Sample[];
  /** Of several, the one whose variant is nearest on the trial samples. */
  readonly methods: readonly CalibrationMethod[];
  readonly gate: Gate;
  readonly metric?: Metric;
  readonly threads: number;
  readonly onProgress?: (what: string) => void;
}

/** Static INT8, mixed with stored weights as far as the gate asks for it; undefined where no layer has the kernels. */
export async function staticCandidate(bytes: Uint8Array, options: StaticOptions): Promise<Candidate | undefined> {
  const { calibration, trial, gate, metric, threads, onProgress } = options;
  onProgress?.('the ranges of values over the samples');
  const recipes = await staticRecipes(bytes, calibration, options.methods, threads);
  if (recipes.length === 0) return undefined;
  const { method, recipe } = await nearest(bytes, recipes, options);
  const search = await searchPrecision({
    bytes,
    recipe,
    fallback: 'stored',
    gate,
    samples: trial,
    threads,
    ...(metric ? { metric } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  const counted = Object.values(search.recipe.layers).filter((form) => form === 'static').length;
  const how = `${counted} layers in INT8, ranges by ${method} over ${calibration.length} samples${search.released.length > 0 ? `; ${search.released.length} too sensitive: weights INT8 in the file, float when it runs` : ''}`;
  return { name: 'int8', precision: 'int8', recipe: withoutIdleRanges(bytes, search.recipe), how, search };
}

interface Calibrated {
  readonly method: CalibrationMethod;
  readonly recipe: Recipe;
}

/** By each method, every layer that has the kernels in static INT8 and the others stored; none where no layer has them. */
export async function staticRecipes(
  bytes: Uint8Array,
  calibration: readonly Sample[],
  by: readonly CalibrationMethod[],
  threads: number,
): Promise<Calibrated[]> {
  const model = prepareModel(bytes);
  const consumers = consumersOf(model.graph);
  const layers = layersOf(model);
  const values = new Set(layers.filter(isStatic).flatMap((layer) => valuesOf(layer, consumers)));
  if (values.size === 0) return [];
  const ranges = await calibrate(bytes, [...values], calibration, by, threads);
  const worth = layers.filter((layer) => isStatic(layer) || layer.weight.length >= LEAST_WEIGHT);
  const forms = formsOf(worth, (layer) => (isStatic(layer) ? 'static' : 'stored'));
  return by.map((method) => ({ method, recipe: { layers: forms, ranges: ranges[method] } }));
}

/** By the metric where samples have labels, else by how far the outputs are off. */
async function nearest(
  bytes: Uint8Array,
  recipes: readonly Calibrated[],
  { trial, metric, threads, onProgress }: StaticOptions,
): Promise<Calibrated> {
  if (recipes.length === 1) return recipes[0]!;
  onProgress?.(`which of ${recipes.map(({ method }) => method).join(', ')} is nearest`);
  await using stack = new AsyncDisposableStack();
  const open = async (model: Uint8Array) => stack.use(await openBytes(model, threads));
  const sessions = [];
  for (const { recipe } of recipes) sessions.push(await open(applyRecipe(bytes, recipe)));
  const figures = await assess(await open(bytes), sessions, trial, metric);
  const off = ({ metric: its, relativeError }: Figures) => (its ? lossOf(its) : relativeError);
  return recipes.reduce((a, b) => (off(figures[recipes.indexOf(b)]!) < off(figures[recipes.indexOf(a)]!) ? b : a));
}

/** Ranges of released layers go with them: a recipe is read by people. */
function withoutIdleRanges(bytes: Uint8Array, recipe: Recipe): Recipe {
  const model = prepareModel(bytes);
  const consumers = consumersOf(model.graph);
  const needed = layersOf(model)
    .filter(({ name }) => recipe.layers[name] === 'static')
    .flatMap((layer) => valuesOf(layer, consumers));
  const ranges: Ranges = Object.fromEntries(
    [...new Set(needed)].flatMap((value) => {
      const range = recipe.ranges?.[value];
      return range ? [[value, range]] : [];
    }),
  );
  return { ...recipe, ranges };
}

/** What runs, in the order of the file. */
export function operatorsOf(model: OnnxModel): string {
  const idle = ['Constant', 'Identity'];
  return [...nodesOf(model)].flatMap(({ opType }) => (idle.includes(opType) ? [] : opType)).join(' ');
}

function formsOf(layers: readonly LinearLayer[], formOf: (layer: LinearLayer) => Form): Record<string, Form> {
  return Object.fromEntries(layers.map((layer) => [layer.name, formOf(layer)]));
}
