// The whole of it: variants made, proven against the original on samples that nothing was tuned on, measured, and compared.
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import type { Figures, Gate } from '../core/gate.ts';
import type { Session } from '../session/session.ts';
import { assess } from './assess.ts';
import { type CalibrationMethod, runSample } from './calibrate.ts';
import { sweepMemory } from './lambda-cost.ts';
import { type Candidate, prunedCandidate, recipesWithoutSamples, staticCandidate } from './make-recipes.ts';
import { measureStarts } from './measure/measure-starts.ts';
import { measureVariants } from './measure/measure-variants.ts';
import type { Metric } from './metric.ts';
import { openBytes } from './open-bytes.ts';
import { optimizedBeforehand } from './optimize-beforehand.ts';
import { failuresOf, type Outcome, recommend, type Variant } from './outcome.ts';
import { thisProcessor } from './processor.ts';
import { applyRecipe, serializeRecipe } from './recipe.ts';
import type { Sample } from './sample.ts';
import { splitSamples } from './split-samples.ts';

export interface OptimizeOptions {
  /** File name of the model, for reports. */
  readonly model: string;
  readonly bytes: Uint8Array;
  readonly samples: readonly Sample[];
  readonly metric?: Metric;
  /** @default what `defaultGate` says */
  readonly gate?: Gate;
  readonly methods: readonly CalibrationMethod[];
  /** Part of the channels that a variant is to lose. @default no variant is pruned */
  readonly prune?: number;
  readonly threads: readonly number[];
  readonly batches: readonly number[];
  readonly rounds: number;
  /** Folder for `<variant>.onnx` and `<variant>.recipe.json`; nothing is written anywhere else. */
  readonly out: string;
  readonly onProgress?: (what: string) => void;
}

/** Half a point of the task's metric where samples have labels; else nearly the same answers. */
function defaultGate(metric: Metric | undefined): Gate {
  return metric ? { metricLoss: 0.005 } : { argmax: 0.99, cosine: 0.98 };
}

/** @throws GlowplugError MODEL_INVALID, MODEL_UNSUPPORTED, INPUT_TENSOR, CONFIG_INVALID */
export async function optimize(options: OptimizeOptions): Promise<Outcome> {
  const { bytes, samples, metric, methods, prune, out, onProgress } = options;
  const gate = options.gate ?? defaultGate(metric);
  const threads = Math.max(...options.threads);
  const { calibration, trial, held } = splitSamples(samples);
  onProgress?.('variants that need no samples');
  const candidates = recipesWithoutSamples(bytes);
  const own = await staticCandidate(bytes, {
    calibration,
    trial,
    methods,
    gate,
    threads,
    ...(metric ? { metric } : {}),
    ...(onProgress ? { onProgress } : {}),
  });
  if (own) candidates.push(own);
  await mkdir(out, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const reference = stack.use(await openBytes(bytes, threads));
  const skipped: { name: string; why: string }[] = [];
  const made: { candidate: Candidate; session: Session; path: string }[] = [];
  const skip = (name: string) => (error: unknown) => {
    if (!(error instanceof GlowplugError)) throw error;
    skipped.push({ name, why: error.message });
  };
  if (prune !== undefined) {
    try {
      candidates.push(prunedCandidate(bytes, prune));
    } catch (error) {
      skip('pruned')(error);
    }
  }
  onProgress?.('graphs optimised beforehand');
  for (const candidate of [float, ...candidates.filter(({ name }) => name !== 'fused')]) {
    candidates.push(...(await optimizedBeforehand(bytes, candidate)));
  }
  for (const candidate of candidates) {
    const one = await make(candidate, options, threads, held[0]!).catch(skip(candidate.name));
    if (one) made.push({ ...one, session: stack.use(one.session) });
  }
  const figures = await assess(
    reference,
    made.map(({ session }) => session),
    held,
    metric,
    (done) => onProgress?.(`sample ${done + 1} of ${held.length}`),
  );
  const originalPath = join(out, 'fp32.onnx');
  await writeFile(originalPath, bytes);
  const original = { name: 'fp32', how: 'as it was given', path: originalPath };
  const variants = await measured(
    options,
    [
      original,
      ...made.map(({ candidate, path }, at) => ({
        name: candidate.name,
        how: candidate.how,
        path,
        candidate,
        figures: figures[at]!,
      })),
    ],
    gate,
  );
  return {
    model: basename(options.model),
    processor: thisProcessor(),
    gate,
    variants,
    recommended: recommend(variants),
    skipped,
  };
}

/** Several models of one task side by side: the first is what the others are compared with. */
export async function compare(
  models: readonly { readonly name: string; readonly path: string; readonly bytes: Uint8Array }[],
  options: Omit<OptimizeOptions, 'model' | 'bytes' | 'out' | 'methods' | 'prune'>,
): Promise<Outcome> {
  const gate = options.gate ?? {};
  const threads = Math.max(...options.threads);
  await using stack = new AsyncDisposableStack();
  const sessions: Session[] = [];
  for (const { bytes } of models) sessions.push(stack.use(await openBytes(bytes, threads)));
  const [reference, ...others] = sessions;
  const figures = await assess(reference!, others, options.samples, options.metric);
  const variants = await measured(
    options,
    models.map(({ name, path }, at) => ({ name, how: path, path, ...(at > 0 ? { figures: figures[at - 1]! } : {}) })),
    gate,
  );
  return {
    model: basename(models[0]!.path),
    processor: thisProcessor(),
    gate,
    variants,
    recommended: recommend(variants),
    skipped: [],
  };
}

/** What `fused` is: its graph optimised by onnxruntime is `fp32-ort`. */
const float: Candidate = { name: 'fp32', precision: 'fp32', recipe: { layers: {} }, how: 'FP32' };

interface Contestant {
  readonly name: string;
  readonly how: string;
  readonly path: string;
  readonly figures?: Figures;
  readonly candidate?: Candidate;
}

/** Each is a process: enough for a middle that stands. */
const STARTS = 15;

type Measuring = Pick<OptimizeOptions, 'samples' | 'threads' | 'batches' | 'rounds' | 'onProgress'>;

async function measured(options: Measuring, contestants: readonly Contestant[], gate: Gate): Promise<Variant[]> {
  const { samples, threads, batches, rounds, onProgress } = options;
  const { architecture } = thisProcessor();
  const feeds = typical(samples);
  const progress = onProgress ? { onProgress } : {};
  const measurements = await measureVariants({
    variants: contestants,
    feeds,
    threads,
    batches,
    rounds,
    ...progress,
  });
  const starts = await measureStarts({
    variants: contestants.map(({ path, candidate }) => ({ path, optimized: candidate?.of !== undefined })),
    feeds,
    rounds: Math.min(Math.ceil(rounds / 2), STARTS),
    ...progress,
  });
  return contestants.map(({ name, how, figures, candidate }, at) => ({
    name,
    how,
    measured: measurements[at]!,
    start: starts[at]!,
    lambda: sweepMemory(measurements[at]!, architecture),
    failures: failuresOf(gate, figures),
    ...(figures ? { figures } : {}),
    ...(candidate ? { candidate } : {}),
  }));
}

/** Tries it on one sample: an operator without a kernel fails when the session is made or when it first runs. */
async function make(candidate: Candidate, { bytes, out }: OptimizeOptions, threads: number, sample: Sample) {
  const variant = applyRecipe(bytes, candidate.recipe);
  const session = await openBytes(variant, threads, candidate.of !== undefined);
  try {
    await runSample(session, sample);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
  const path = join(out, `${candidate.name}.onnx`);
  await writeFile(path, variant);
  await writeFile(join(out, `${candidate.name}.recipe.json`), serializeRecipe(candidate.recipe));
  return { candidate, session, path };
}

/** The sample of middling size: neither the shortest nor the longest input is what a request is. */
function typical(samples: readonly Sample[]): Sample['feeds'] {
  const size = ({ feeds }: Sample) => Object.values(feeds).reduce((sum, { data }) => sum + data.length, 0);
  return [...samples].sort((a, b) => size(a) - size(b))[samples.length >> 1]!.feeds;
}
