// glowplug optimize, glowplug compare: variants of a model, or several models, measured on this machine and proven on samples.
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { GlowplugError, shorten } from '../core/errors.ts';
import { inspectModel } from '../onnx/inspect.ts';
import { readModelFile } from '../onnx/read-model-file.ts';
import { readSignature } from '../onnx/signature.ts';
import { writeModel } from '../onnx/write.ts';
import { type CalibrationMethod, methods } from '../optimize/calibrate.ts';
import { type LabelMetric, labelMetrics, metricFor } from '../optimize/labels.ts';
import type { Metric } from '../optimize/metric.ts';
import { compare, optimize } from '../optimize/optimize.ts';
import { type Objective, type Outcome, objectives, type Variant } from '../optimize/outcome.ts';
import { picture } from '../optimize/picture.ts';
import { readSamples } from '../optimize/read-samples.ts';
import { report } from '../optimize/report.ts';
import type { Sample } from '../optimize/sample.ts';
import { writeTarget } from '../release/write-target.ts';
import { type WrittenVariants, writeVariants } from '../release/write-variants.ts';
import { checkOutputFile, checkOutputFolder } from './check-output.ts';
import { exitOnSignals } from './exit-on-signals.ts';
import { command, printJson, printLine } from './print.ts';
import { showOutcome } from './show-outcome.ts';
import { stepProgress } from './step-progress.ts';
import { whole } from './whole.ts';

interface CompareOptions {
  readonly samples: string;
  readonly labels?: string;
  readonly metric?: LabelMetric;
  readonly classes?: string;
  readonly threads?: readonly number[];
  readonly batch: readonly number[];
  readonly rounds: number;
  readonly report?: string;
  readonly json?: boolean;
}

interface Options extends CompareOptions {
  readonly for: Objective;
  readonly calibration?: CalibrationMethod;
  readonly maxLoss?: number;
  readonly prune?: number;
  readonly out?: string;
  readonly write?: string;
}

export function optimizeCommand(): Command {
  const it = new Command('optimize')
    .description('Make smaller and faster variants of a model, prove them on samples, and measure them here.')
    .argument('<model>', 'path of an .onnx file');
  return shared(it)
    .addOption(
      new Option('--for <objective>', 'what the recommended variant is best at').choices(objectives).default('cost'),
    )
    .addOption(new Option('--calibration <method>', 'how ranges are taken; default: all are tried').choices(methods))
    .option(
      '--max-loss <share>',
      'how much worse the metric may be; default: what the gate of --write’s definition says, else 0.005, half a point',
      share,
    )
    .option('--prune <share>', 'try a variant without this part of its channels, such as 0.1', share)
    .option('--out <folder>', 'folder for the variants; default: <model>.variants beside the model')
    .option('--write <name>', 'write the variants that earn their place into models/<name>.ts, with recipes and gate')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug optimize model.onnx --samples data/\n  glowplug optimize rec.onnx --samples models/ppocr-rec/samples.ts --for size --report rec.html\n  glowplug optimize iris.onnx --samples data/ --labels labels.txt --max-loss 0.01 --json',
    )
    .action(command(runOptimize));
}

export function compareCommand(): Command {
  const it = new Command('compare')
    .description('Put models of one task side by side: accuracy, speed, memory, and what a million requests cost.')
    .argument('<models...>', 'paths of .onnx files; the first is what the others are compared with');
  return shared(it)
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug compare a.onnx b.onnx --samples data/ --labels labels.txt\n  glowplug compare a.onnx b.onnx c.onnx --samples data/ --json',
    )
    .action(command(runCompare));
}

function shared(it: Command): Command {
  return it
    .requiredOption('--samples <path>', 'folder of .npy, .npz or .json inputs, or a module that exports samples()')
    .option(
      '--labels <file>',
      'what is right for each sample, one a line, or JSON; default: labels.txt or .json of the folder',
    )
    .addOption(new Option('--metric <name>', 'how labels count; default: top-1').choices(labelMetrics))
    .option('--classes <file>', 'names of the classes, one a line, where labels are names')
    .option('--threads <counts>', 'threads of a run, with commas between; default: 1 and all cores, at most 4', counts)
    .option('--batch <rows>', 'rows of a run, with commas between', counts, [1])
    .option('--rounds <count>', 'rounds in which variants take turns', whole(1, 4096), 30)
    .option('--report <file>', 'write the report, .html, or its picture alone, .svg')
    .option('--json', 'print the outcome as JSON');
}

async function runOptimize(path: string, options: Options): Promise<void> {
  using _ = exitOnSignals();
  const bytes = await readWhole(path);
  const defined = options.write === undefined ? undefined : await writeTarget(process.cwd(), options.write, path);
  if (options.write !== undefined) await checkOutputFolder(join('models', options.write), '--write');
  const out = options.out ?? join(dirname(path), `${basename(path, extname(path))}.variants`);
  await checkOutputFolder(out, '--out');
  await checkReport(options);
  const gate = options.maxLoss === undefined ? defined?.gate : { metricLoss: options.maxLoss };
  const { samples, metric } = await samplesFor(bytes, options);
  const progress = stepProgress();
  const outcome = await optimize({
    model: path,
    bytes,
    samples,
    methods: options.calibration ? [options.calibration] : methods,
    threads: options.threads ?? usualThreads(),
    batches: options.batch,
    rounds: options.rounds,
    out,
    onProgress: progress.tell,
    ...(metric ? { metric } : {}),
    ...(options.prune === undefined ? {} : { prune: options.prune }),
    ...(gate ? { gate } : {}),
  }).finally(progress.end);
  await finish(outcome, options, samples.length);
  if (options.write === undefined) return;
  const written = await writeVariants({
    root: process.cwd(),
    name: options.write,
    outcome,
    modelPath: path,
    bytes,
  });
  if (!options.json) showWritten(options.write, written);
}

function showWritten(name: string, { written, removed, kept, version }: WrittenVariants): void {
  const definition = `models/${name}.ts`;
  for (const file of written) printLine(`${pc.green('wrote')}  ${file}`);
  for (const variant of removed) printLine(`${pc.yellow('removed')}  ${variant}: it does not pass any more`);
  if (kept)
    printLine(`${pc.yellow('!')} ${definition} had comments or code that are lost: the file that was there is ${kept}`);
  if (!written.includes(definition))
    printLine(`${pc.dim('–')} ${definition} stays as it is, version ${version}: the same variants and the same gate`);
}

async function runCompare(paths: string[], options: CompareOptions): Promise<void> {
  using _ = exitOnSignals();
  if (paths.length < 2)
    throw new GlowplugError('CONFIG_INVALID', `expected two models or more to compare, got ${paths.length}`, {
      remedy: 'Name another .onnx file.',
    });
  const models = [];
  for (const path of paths) models.push({ name: basename(path, '.onnx'), path, bytes: await readWhole(path) });
  await checkReport(options);
  const { samples, metric } = await samplesFor(models[0]!.bytes, options);
  const progress = stepProgress();
  const outcome = await compare(models, {
    samples,
    threads: options.threads ?? usualThreads(),
    batches: options.batch,
    rounds: options.rounds,
    onProgress: progress.tell,
    ...(metric ? { metric } : {}),
  }).finally(progress.end);
  await finish(outcome, options);
}

/** @param tuned samples of which variants were made; none where they were given */
async function finish(
  outcome: Outcome,
  options: CompareOptions & { readonly for?: Objective },
  tuned = 0,
): Promise<void> {
  if (options.json) printJson({ ...outcome, variants: outcome.variants.map(withoutRecipe) });
  else showOutcome(outcome, options.for, tuned);
  if (options.report === undefined) return;
  await writeFile(options.report, extname(options.report) === '.svg' ? picture(outcome) : report(outcome));
  if (!options.json) printLine(`${pc.green('wrote')}  ${options.report}`);
}

async function checkReport({ report: path }: CompareOptions): Promise<void> {
  if (path !== undefined) await checkOutputFile(path, '--report', ['.html', '.svg']);
}

/** The recipe is in its file. */
function withoutRecipe({ candidate, ...variant }: Variant): object {
  return { ...variant, ...(candidate?.search ? { search: { ...candidate.search, recipe: undefined } } : {}) };
}

async function samplesFor(
  bytes: Uint8Array,
  options: CompareOptions,
): Promise<{ samples: readonly Sample[]; metric?: Metric }> {
  const signature = readSignature(bytes);
  const read = await readSamples(options.samples, { signature, ...(options.labels ? { labels: options.labels } : {}) });
  const isLabelled = read.samples.some(({ label }) => label !== undefined);
  if (options.metric && read.metric) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected no --metric ${options.metric} beside ${shorten(read.metric.name)}, which ${options.samples} exports`,
      { remedy: 'Leave --metric out.' },
    );
  }
  if (options.metric && !isLabelled) {
    throw new GlowplugError('CONFIG_INVALID', `expected samples with labels for --metric ${options.metric}, got none`, {
      remedy: 'Give --labels, or leave --metric out.',
    });
  }
  if (read.metric || !isLabelled) return read;
  const classes = options.classes === undefined ? undefined : await readClasses(options.classes);
  return { ...read, metric: metricFor(options.metric ?? 'top-1', read.samples, signature, classes) };
}

async function readClasses(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new GlowplugError('CONFIG_INVALID', `expected a file of classes at ${path}, it cannot be read`, {
      cause,
      remedy: 'Give --classes a file with the name of a class on each line, in the order of the scores.',
    });
  });
  return text.trimEnd().split(/\r?\n/);
}

/** The file's own bytes, by which a record names it; one whose weights lie in other files is made whole. */
async function readWhole(path: string): Promise<Uint8Array> {
  const model = await readModelFile(path);
  const bytes = await readFile(path);
  return inspectModel(bytes).externalData.length > 0 ? writeModel(model) : bytes;
}

/** What a small function and a large one have. */
function usualThreads(): number[] {
  return [...new Set([1, Math.min(availableParallelism(), 4)])];
}

/** Commander says which option it was, and ends with its own exit code. */
function counts(text: string): number[] {
  return text.split(',').map(whole(1, 4096));
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 1.');
}
