// From another framework's file to an ONNX model that is known to answer the same: export, check, compare, record.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { GlowplugError } from '../../core/errors.ts';
import { isRecord } from '../../core/is-record.ts';
import { inspectModel } from '../../onnx/inspect.ts';
import { parseNpz } from '../../optimize/npy.ts';
import { compareOutputs, type Parity, totalParity } from '../../optimize/parity.ts';
import { temporaryFolder } from '../../optimize/temporary-folder.ts';
import { createOrtSession } from '../../session/ort.ts';
import type { Tensors } from '../../tensor/tensor.ts';
import type { Framework } from './frameworks.ts';
import type { ModelInput } from './model-input.ts';
import { cut, type EnvironmentPlan, makeEnvironment, type Run, reasonOf } from './python-environment.ts';
import { scripts } from './scripts.ts';
import { type Speed, slowness } from './slowness.ts';

export interface ConvertOptions {
  /** The app: `models/<name>/` and `models/<name>.ts` are written below it. */
  readonly root: string;
  readonly source: string;
  readonly name: string;
  readonly license: string;
  readonly framework: Framework;
  readonly environment: EnvironmentPlan;
  readonly inputs: readonly ModelInput[];
  /** Paths of .npz files, inputs by name; none: some that the script makes. */
  readonly samples: readonly string[];
  readonly opset: number;
  /** Greatest relative error that passes. */
  readonly tolerance: number;
  readonly run: Run;
  readonly onProgress?: (step: string) => void;
}

/** What is written beside the model: where it came from, and how near it is to what it came from. */
export interface Provenance {
  readonly framework: string;
  /** File name and digest of what was converted; a SavedModel's is its saved_model.pb's. */
  readonly source: { readonly file: string; readonly sha256: string };
  readonly exporter: string;
  readonly python: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly packages: readonly string[];
  /** Of the model: an exporter may have its own least or most. */
  readonly opset: number;
  readonly samples: number;
  readonly parity: Parity;
}

export interface Converted {
  readonly provenance: Provenance;
  /** Relative to the root. */
  readonly files: readonly string[];
  readonly bytes: number;
  readonly speed: Speed;
  /** Where it is slower than the framework: by how much, and what to do. Not in the provenance: it is this machine's. */
  readonly slow?: string;
  /** What the script has to say of a source that it converted: that another version wrote it. */
  readonly warning?: string;
}

/**
 * Runs the framework's own exporter and proves its result. Nothing is written below `models/` unless onnxruntime runs
 * the model and its outputs are the framework's within the tolerance.
 *
 * @throws GlowplugError DEPENDENCY_MISSING, CONFIG_INVALID, MODEL_INVALID, MODEL_UNSUPPORTED
 */
export async function convert(options: ConvertOptions): Promise<Converted> {
  const { framework, environment, run, onProgress } = options;
  if (environment.commands.length > 0) onProgress?.(`installing ${environment.packages.join(', ')}`);
  const python = await makeEnvironment(environment, run);
  using temporary = temporaryFolder('convert');
  const folder = temporary.path;
  onProgress?.(`exporting by ${framework.title}'s own exporter`);
  await exportModel(options, python, folder);
  const model = join(folder, 'model.onnx');
  onProgress?.('comparing the answers');
  const { opsets, operators, willNotRun } = inspectModel(await readFile(model));
  if (willNotRun.length > 0) throw unsupported(willNotRun.join('; '));
  const { parity, milliseconds } = await compare(model, folder);
  const report = await readReport(folder);
  const provenance = await provenanceOf(options, report, parity, opsets['ai.onnx'] ?? options.opset);
  const { remedy: warning } = await readTold(folder);
  if (!(parity.relativeError <= options.tolerance)) throw apart(parity, options.tolerance, warning);
  const speed = { framework: report.milliseconds, onnxruntime: milliseconds };
  const slow = slowness(speed, framework.title, operators);
  const written = await keep(options, model, provenance);
  return { provenance, ...written, speed, ...(slow ? { slow } : {}), ...(warning ? { warning } : {}) };
}

async function exportModel(options: ConvertOptions, python: string, folder: string): Promise<void> {
  const { framework, source, inputs, samples, opset } = options;
  const [script, job] = [join(folder, 'convert.py'), join(folder, 'job.json')];
  await writeFile(script, scripts[framework.script]);
  const all = {
    framework: framework.name,
    source: resolve(source),
    folder,
    inputs,
    samples: samples.map((one) => resolve(one)),
    opset,
  };
  await writeFile(job, JSON.stringify(all));
  try {
    await options.run(python, ['-I', script, job]);
  } catch (cause) {
    const { message, remedy } = await readTold(folder);
    if (message) throw new GlowplugError('CONFIG_INVALID', message, { cause, ...(remedy ? { remedy } : {}) });
    const others = framework.needsInputs ? '; for other inputs --input' : '';
    throw new GlowplugError('MODEL_UNSUPPORTED', `${framework.title} did not export the model: ${reasonOf(cause)}`, {
      cause,
      remedy:
        remedy ??
        `Mend what the exporter names. For another version of a package give --package NAME==VERSION${others}.`,
    });
  }
}

/** What the script says itself: a message where it refuses, and what helps where something fails. */
async function readTold(folder: string): Promise<{ readonly message?: string; readonly remedy?: string }> {
  const text = await readFile(join(folder, 'told.json'), 'utf8').catch(() => '{}');
  const told: unknown = JSON.parse(text);
  const { message, remedy } = isRecord(told) ? told : {};
  return {
    ...(typeof message === 'string' ? { message: cut(message) } : {}),
    ...(typeof remedy === 'string' ? { remedy } : {}),
  };
}

/** onnxruntime on the feeds that the framework answered. */
async function compare(path: string, folder: string): Promise<{ parity: Parity; milliseconds: number }> {
  const threads = availableParallelism();
  await using session = await createOrtSession(path, { threads }).catch((error: unknown) => {
    if (error instanceof GlowplugError && error.code === 'MODEL_UNSUPPORTED') throw unsupported(error.message, error);
    throw error;
  });
  const counts = [];
  const times: number[] = [];
  for (const name of (await readdir(join(folder, 'feeds'))).sort()) {
    const [feed, expected] = await Promise.all(['feeds', 'expected'].map((part) => readNpz(join(folder, part, name))));
    counts.push(compareOutputs(expected!, await session.run(feed!)));
    const start = performance.now();
    await session.run(feed!);
    times.push(performance.now() - start);
  }
  return { parity: totalParity(counts), milliseconds: times.sort((a, b) => a - b)[times.length >> 1] ?? 0 };
}

async function readNpz(path: string): Promise<Tensors> {
  return parseNpz(await readFile(path), path, 2 ** 31);
}

interface Report {
  readonly exporter: string;
  readonly python: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly samples: number;
  readonly milliseconds: number;
}

async function readReport(folder: string): Promise<Report> {
  const report: unknown = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
  if (!isRecord(report) || !isRecord(report['versions'])) {
    throw new GlowplugError('MODEL_INVALID', 'expected a report of the export, got something else');
  }
  const { exporter, python, versions, samples, milliseconds } = report;
  return {
    exporter: String(exporter),
    python: String(python),
    versions: Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, String(version)])),
    samples: Number(samples),
    milliseconds: Number(milliseconds),
  };
}

async function provenanceOf(
  options: ConvertOptions,
  { exporter, python, versions, samples }: Report,
  parity: Parity,
  opset: number,
): Promise<Provenance> {
  const { source, framework, environment } = options;
  const isFolder = (await stat(source)).isDirectory();
  const bytes = await readFile(isFolder ? join(source, 'saved_model.pb') : source);
  return {
    framework: framework.title,
    source: { file: basename(source), sha256: createHash('sha256').update(bytes).digest('hex') },
    exporter,
    python,
    versions,
    packages: environment.packages,
    opset,
    samples,
    parity,
  };
}

async function keep({ root, name, license }: ConvertOptions, model: string, provenance: Provenance) {
  const files = [`models/${name}/${name}.onnx`, `models/${name}/provenance.json`, `models/${name}.ts`];
  await mkdir(join(root, 'models', name), { recursive: true });
  await copyFile(model, join(root, files[0]!));
  await writeFile(join(root, files[1]!), `${JSON.stringify(provenance, null, 2)}\n`);
  const definition = join(root, files[2]!);
  // A definition may have been written on since: it names the same file.
  const isThere = await stat(definition).then(Boolean, () => false);
  if (!isThere) await writeFile(definition, definitionOf(name, license, provenance));
  return { files: isThere ? files.slice(0, 2) : files, bytes: (await stat(model)).size };
}

function definitionOf(name: string, license: string, { framework, exporter, source, versions }: Provenance): string {
  const with_ = Object.entries(versions).map(([one, version]) => `${one} ${version}`);
  return `// From ${source.file} (${framework}) by ${exporter}: ${with_.join(', ')}. ${name}/provenance.json says the rest.
import { defineModel, fromPath } from 'glowplug/release';

export default defineModel({
  name: '${name}',
  version: '1.0.0',
  license: '${license}',
  files: {
    'model.onnx': fromPath('models/${name}/${name}.onnx'),
    'provenance.json': fromPath('models/${name}/provenance.json'),
  },
});
`;
}

function unsupported(why: string, cause?: unknown): GlowplugError {
  return new GlowplugError('MODEL_UNSUPPORTED', `exported, but onnxruntime cannot run it: ${why}`, {
    cause,
    remedy:
      'Try another --opset (13 to 20), write the operator in terms of others before exporting, or leave it out of the model and do it in decode or encode.',
  });
}

function apart({ relativeError, maxError, argmax }: Parity, tolerance: number, warning?: string): GlowplugError {
  return new GlowplugError(
    'MODEL_UNSUPPORTED',
    `exported, but it answers differently: relative error ${relativeError.toExponential(1)}, at most ${tolerance} was expected ` +
      `(greatest difference ${maxError.toExponential(1)}, ${(100 * argmax).toFixed(1)} % of decisions agree)`,
    {
      remedy:
        warning ??
        'Look whether the model is in evaluation mode, whether it computes in FP64, and whether the samples are what it takes; --tolerance accepts more.',
    },
  );
}
