// glowplug convert: another framework's file becomes an ONNX model that is proven to answer the same.
import { execFile } from 'node:child_process';
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { confirm, isCancel } from '@clack/prompts';
import { Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { isModelName } from '../models/reference.ts';
import { readSignature } from '../onnx/signature.ts';
import { type Converted, convert } from '../release/convert/convert.ts';
import { detectFramework, type Framework, frameworkNames, namedFramework } from '../release/convert/frameworks.ts';
import { type ModelInput, parseModelInput } from '../release/convert/model-input.ts';
import { type EnvironmentPlan, planEnvironment, type Run } from '../release/convert/python-environment.ts';
import { buildEngine } from '../release/convert/tensorrt-engine.ts';
import { saveOrtFormat } from '../session/save-optimized.ts';
import { byteSize } from './byte-size.ts';
import { exitOnSignals } from './exit-on-signals.ts';
import { command, printJson, printLine, printProgress } from './print.ts';

interface Options {
  readonly framework?: string;
  readonly name?: string;
  readonly license: string;
  readonly input?: readonly ModelInput[];
  readonly samples?: string;
  readonly opset: number;
  readonly tolerance: number;
  readonly package?: readonly string[];
  readonly python: string;
  readonly ort?: string;
  readonly tensorrt?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function convertCommand(): Command {
  return new Command('convert')
    .description(
      'Make an ONNX model of a PyTorch, TensorFlow, Keras, TensorFlow Lite, scikit-learn, XGBoost or LightGBM file, and prove that it answers the same.',
    )
    .argument('<source>', 'the file, or the folder of a SavedModel')
    .addOption(new Option('--framework <name>', 'what wrote it; default: by the file').choices(frameworkNames))
    .option('--name <name>', 'name of the model; default: by the file')
    .option('--license <spdx>', 'licence for a new models/<name>.ts', 'NOASSERTION')
    .option('--input <spec>', 'an input, such as x:float32[N,3,48,W=160]; once for each (TorchScript)', inputs)
    .option('--samples <folder>', 'folder of .npz inputs to compare on; default: random ones')
    .option('--opset <number>', 'opset to export to', whole, 17)
    .option('--tolerance <error>', 'greatest relative error of the outputs', positive, 1e-3)
    .option('--package <name==version>', 'another version of a package than ours; may be repeated', packages)
    .option('--python <program>', 'Python to make the environment with', 'python3')
    .option('--ort <file>', 'write an .onnx source in onnxruntime’s own format for small devices, and do nothing else')
    .option(
      '--tensorrt <file>',
      'build a TensorRT engine of an .onnx source by trtexec, on the machine with the GPU that will run it, and do nothing else',
    )
    .option('--yes', 'install and run without asking')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nRuns the framework’s own exporter in a Python environment of its own, below .glowplug/convert. Writes models/<name>/<name>.onnx,\nprovenance.json beside it, and models/<name>.ts where there is none.\n\nExamples:\n  glowplug convert model.joblib --name spam\n  glowplug convert net.pt --input x:float32[N,3,224,224] --samples data/ --yes\n  glowplug convert saved/ --framework saved-model --yes --json\n  glowplug convert model.onnx --ort model.ort\n  glowplug convert model.onnx --tensorrt model.engine --input x:float32[8,3,224,224]\n\nExit codes: 0 converted and equal, 1 not, 2 usage.',
    )
    .action(command(runConvert));
}

async function runConvert(source: string, options: Options): Promise<void> {
  using _ = exitOnSignals();
  if (options.ort !== undefined) return await toOrt(source, options.ort, options);
  if (options.tensorrt !== undefined) return await toEngine(source, options.tensorrt, options);
  const framework = options.framework ? await namedFramework(source, options.framework) : await detectFramework(source);
  const name = options.name ?? basename(source, extname(source)).toLowerCase();
  check(framework, name, options);
  const kept = join('models', name);
  if (await stat(kept).catch(() => undefined)) await mustTakeFiles(kept);
  const samples = options.samples ? await npzFiles(options.samples) : [];
  const environment = await planEnvironment(process.cwd(), chosen(framework, options.package ?? []), {
    python: options.python,
    hasUv: await run('uv', ['--version']).then(Boolean, () => false),
  });
  if (environment.commands[0]?.[0] === options.python) await mustRun(options.python);
  tell(framework, environment);
  if (!options.yes) await ask();
  const converted = await convert({
    root: process.cwd(),
    source,
    name,
    license: options.license,
    framework,
    environment,
    inputs: options.input ?? [],
    samples,
    opset: options.opset,
    tolerance: options.tolerance,
    run,
    onProgress: printProgress,
  });
  if (options.json) printJson(converted);
  else report(converted, name);
}

async function toOrt(source: string, file: string, { json }: Options): Promise<void> {
  mustBeOnnx(source, '--ort');
  await mustTakeFiles(dirname(file));
  const bytes = await saveOrtFormat(source, file);
  if (json) printJson({ file, bytes });
  else printLine(`${pc.green('wrote')}  ${file}, ${byteSize(bytes)}`);
}

async function toEngine(source: string, file: string, { input = [], json }: Options): Promise<void> {
  mustBeOnnx(source, '--tensorrt');
  await mustTakeFiles(dirname(file));
  const signature = readSignature(await readFile(source));
  const { bytes, tensorrt } = await buildEngine({ model: source, signature, target: file, inputs: input, run });
  if (json) return printJson({ file, bytes, tensorrt });
  printLine(`${pc.green('wrote')}  ${file}, ${byteSize(bytes)}`);
  printLine(pc.dim(`  for this GPU and TensorRT ${tensorrt} alone: Triton and TensorRT’s own runtime read it`));
}

async function mustRun(python: string): Promise<void> {
  await run(python, ['--version']).catch((cause: unknown) => {
    throw new GlowplugError('DEPENDENCY_MISSING', `expected a program ${python}, found none that runs`, {
      cause,
      remedy: 'Install Python 3.10 to 3.13, or name one with --python.',
    });
  });
}

async function mustTakeFiles(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw invalid(
      `expected a folder at ${folder}, found ${found ? 'a file' : 'none'}`,
      'Make it, or name another one.',
    );
  await access(folder, constants.W_OK).catch(() => {
    throw invalid(`expected a folder that can be written to, got ${folder}`, 'Name another one, or mend its rights.');
  });
}

function mustBeOnnx(source: string, option: string): void {
  if (extname(source) !== '.onnx')
    throw invalid(`${option}: expected an .onnx file, got ${source}`, `Convert it to ONNX first, without ${option}.`);
}

/** Twenty minutes: torch is 3 GB, and the line may be slow. */
const run: Run = async (program, args) => {
  const running = promisify(execFile)(program, [...args], {
    timeout: 1_200_000,
    maxBuffer: 64 * 2 ** 20,
    env: { ...process.env, PYTHONNOUSERSITE: '1', PYTHONPATH: '' },
  });
  // Before the folder that it writes to goes.
  const end = () => void running.child.kill('SIGKILL');
  process.prependOnceListener('exit', end);
  try {
    return (await running).stdout;
  } finally {
    process.off('exit', end);
  }
};

function check({ needsInputs, title }: Framework, name: string, { name: given, input = [], license }: Options): void {
  if (!isModelName(name)) {
    throw invalid(
      `expected a model name of lower-case letters, digits, and single . _ - between them, got ${name}`,
      given === undefined ? 'Give --name.' : 'Give another --name.',
    );
  }
  if (needsInputs && input.length === 0) {
    throw invalid(
      `${title} files do not say what the model takes`,
      'Give --input for each input, in their order, such as x:float32[N,3,224,224].',
    );
  }
  if (!/^[\w.+() -]+$/.test(license))
    throw invalid(`expected an SPDX licence, got ${license}`, 'Give one such as Apache-2.0.');
}

/** Our packages, those of another version in the place of ours. */
function chosen({ packages }: Framework, others: readonly string[]): string[] {
  const nameOf = (one: string) => one.split(/[=<>~!]/)[0]!.toLowerCase();
  const names = new Set(others.map(nameOf));
  return [...packages.filter((one) => !names.has(nameOf(one))), ...others];
}

function tell({ title, warning }: Framework, { folder, packages, commands }: EnvironmentPlan): void {
  if (commands.length > 0) {
    printProgress(`${title}: installs ${packages.join(', ')} and what they need into ${folder}`);
    for (const one of commands) printProgress(pc.dim(one.join(' ')));
  } else printProgress(`${title}: runs in ${folder}`);
  if (warning) printProgress(pc.yellow(warning));
}

async function ask(): Promise<void> {
  if (!process.stdin.isTTY)
    throw invalid('expected leave to install and run this, nobody is there to ask', 'Say --yes.');
  const answer = await confirm({ message: 'Go on?' });
  if (isCancel(answer) || !answer) throw invalid('stopped, nothing was installed or run', 'Say yes, or --yes.');
}

async function npzFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((one) => one.endsWith('.npz')).sort();
  if (files.length > 0) return files.map((one) => join(folder, one));
  throw invalid(
    `expected .npz files in ${folder}, found none`,
    'Save the inputs of a sample by name with numpy.savez.',
  );
}

function report({ provenance, files, bytes, speed, slow, warning }: Converted, name: string): void {
  const { parity, samples, exporter } = provenance;
  printLine(`${pc.green('✓')} ${pc.bold(name)}  ${byteSize(bytes)} by ${exporter}`);
  printLine(
    `  equal on ${samples} samples: relative error ${parity.relativeError.toExponential(1)}, greatest difference ${parity.maxError.toExponential(1)}, ${(100 * parity.argmax).toFixed(1)} % of decisions`,
  );
  if (warning) printLine(`${pc.yellow('!')} ${warning}`);
  if (slow) printLine(`${pc.yellow('!')} ${slow}`);
  else
    printLine(
      `  ${speed.onnxruntime.toPrecision(2)} ms a run, there ${speed.framework.toPrecision(2)} ms, on this machine`,
    );
  for (const file of files) printLine(`  wrote ${file}`);
  printLine(pc.dim(`  next: glowplug inspect ${files[0]}, then glowplug optimize it, then glowplug publish`));
}

function inputs(text: string, before: readonly ModelInput[] = []): ModelInput[] {
  try {
    return [...before, parseModelInput(text)];
  } catch (error) {
    if (error instanceof GlowplugError) throw new InvalidArgumentError(`${error.message}. ${error.remedy}`);
    throw error;
  }
}

function packages(text: string, before: readonly string[] = []): string[] {
  if (/^[A-Za-z0-9][\w.[\],-]*[=<>~!]=[\w.*+!-]+$/.test(text)) return [...before, text];
  throw new InvalidArgumentError('Expected a package and its version, such as scikit-learn==1.6.1.');
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 9 && value <= 23) return value;
  throw new InvalidArgumentError('Expected an opset from 9 to 23.');
}

function positive(text: string): number {
  const value = Number(text);
  if (text !== '' && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number of at least 0.');
}

function invalid(message: string, remedy: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { remedy });
}
