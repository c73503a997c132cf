// glowplug inspect: what an ONNX file takes, gives, holds, and whether it runs here.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import type { TensorSpec } from '../core/signature.ts';
import { type Inspection, inspectModel } from '../onnx/inspect.ts';
import { limits } from '../onnx/limits.ts';
import { createOrtSession } from '../session/ort.ts';
import { byteSize } from './byte-size.ts';
import { mustBeFile } from './must-be-file.ts';
import { command, exitCodes, printJson, printLine } from './print.ts';
import { printable } from './printable.ts';

interface Options {
  readonly session: boolean;
  readonly json?: boolean;
}

/** What came of trying: onnxruntime's own word, where the file alone can only guess. */
type Trial = { readonly ok: true; readonly ms: number } | { readonly ok: false; readonly error: GlowplugError };

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Show an ONNX file: signature, opset, operators, size, and what will not run here.')
    .argument('<model>', 'path of an .onnx file')
    .option('--no-session', 'only read the file; do not try to make a session of it')
    .option('--json', 'print the inspection as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug inspect models/iris/iris.onnx\n  glowplug inspect model.onnx --json\n\nExit codes: 0 it runs here, 1 it does not or cannot be read, 2 usage.',
    )
    .action(command(inspect));
}

async function inspect(path: string, options: Options): Promise<void> {
  const inspection = inspectModel(await readModelFile(path));
  const trial = options.session ? await trySession(path) : undefined;
  if (options.json) printJson({ ...inspection, ...(trial ? { session: outcome(trial) } : {}) });
  else for (const line of describe(basename(path), inspection, trial)) printLine(line);
  if (inspection.willNotRun.length > 0 || trial?.ok === false) process.exitCode = exitCodes.failed;
}

async function readModelFile(path: string): Promise<Uint8Array> {
  const found = await mustBeFile(path, 'Give the path of an .onnx file: glowplug inspect models/iris/iris.onnx.');
  // Before it is read: the whole file comes into memory.
  if (found.size > limits.bytes) {
    throw new GlowplugError(
      'MODEL_INVALID',
      `expected at most ${limits.bytes} bytes, got ${found.size}; keep the weights as external data`,
    );
  }
  return await readFile(path);
}

async function trySession(path: string): Promise<Trial> {
  const start = performance.now();
  try {
    await using _session = await createOrtSession(path, { threads: 1 });
    return { ok: true, ms: Math.round(performance.now() - start) };
  } catch (error) {
    if (!(error instanceof GlowplugError)) throw error;
    return { ok: false, error };
  }
}

function outcome(trial: Trial): object {
  if (trial.ok) return trial;
  const { code, message, remedy } = trial.error;
  return { ok: false, error: { code, message, remedy } };
}

function describe(name: string, inspection: Inspection, trial: Trial | undefined): string[] {
  const opsets = Object.entries(inspection.opsets).map(([domain, version]) => `${domain} ${version}`);
  const facts = [byteSize(inspection.size), `IR ${inspection.irVersion}`, `opset ${opsets.join(', ')}`];
  if (inspection.producer) facts.push(`by ${inspection.producer}`);
  return [
    `${pc.bold(printable(name))}  ${printable(facts.join(' · '), 200)}`,
    '',
    ...signatureTable(inspection),
    `weights   ${inspection.parameters.toLocaleString('en')} parameters, ${byteSize(inspection.parameterBytes)}`,
    ...inspection.externalData.map(
      (file) => `          ${byteSize(file.bytes)} of them in ${printable(file.location)}`,
    ),
    '',
    ...operatorBars(inspection),
    '',
    ...verdict(inspection, trial),
  ];
}

function signatureTable({ signature }: Inspection): string[] {
  if (!signature) return [];
  const inputs = rows('inputs', signature.inputs);
  const outputs = rows('outputs', signature.outputs);
  const width = Math.max(...[...inputs, ...outputs].map(({ name }) => name.length));
  const line = ({ label, name, type }: Row) => `${label.padEnd(9)} ${pc.cyan(name.padEnd(width))}  ${type}`;
  return [...[...inputs, ...outputs].map(line), ''];
}

interface Row {
  readonly label: string;
  readonly name: string;
  readonly type: string;
}

function rows(label: string, specs: Readonly<Record<string, TensorSpec>>): Row[] {
  return Object.entries(specs).map(([name, { datatype, shape }], at) => ({
    label: at === 0 ? label : '',
    name: printable(name),
    type: `${datatype.padEnd(6)} [${shape.map((length) => printable(`${length}`)).join(', ')}]`,
  }));
}

/** Bars of at most 30 characters; the operators past the twelfth are one line. */
function operatorBars({ operators }: Inspection): string[] {
  const all = Object.entries(operators);
  const shown = all.slice(0, 12).map(([name, count]) => ({ name: printable(name), count }));
  const most = shown[0]?.count ?? 1;
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  const digits = `${most}`.length;
  const lines = shown.map(({ name, count }, at) => {
    const bar = '█'.repeat(Math.max(1, Math.round((30 * count) / most)));
    return `${(at === 0 ? 'operators' : '').padEnd(9)} ${name.padEnd(width)}  ${`${count}`.padStart(digits)}  ${pc.dim(bar)}`;
  });
  const rest = all.slice(12);
  if (rest.length === 0) return lines;
  const total = rest.reduce((sum, [, count]) => sum + count, 0);
  return [...lines, `          and ${rest.length} more kinds, ${total} in all`];
}

function verdict({ willNotRun }: Inspection, trial: Trial | undefined): string[] {
  const lines = willNotRun.map((reason) => `${pc.red('✗')} will not run: ${printable(reason, 300)}`);
  if (trial?.ok) lines.push(`${pc.green('✓')} onnxruntime makes a session of it (${trial.ms} ms)`);
  if (trial?.ok === false) {
    const { message, remedy, code } = trial.error;
    lines.push(`${pc.red('✗')} ${printable(message, 400)}`, `  ${remedy} ${pc.dim(`(${code})`)}`);
  }
  if (!trial && lines.length === 0) lines.push('nothing in the file stands against running it; no session was tried');
  return lines;
}
