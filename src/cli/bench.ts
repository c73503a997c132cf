// glowplug bench batch: what runs of 1, 2, 4 … rows take here, one or several at once, drawn, and what pays.
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { budgetFor } from '../session/budget.ts';
import { type Measured, measureBatches } from '../session/measure-batches.ts';
import { threadsFor } from '../session/threads.ts';
import { createWorkerSession } from '../session/worker.ts';
import { batchSvg, nameOf } from './batch-svg.ts';
import { mustBeFile } from './must-be-file.ts';
import { mustHaveFolder } from './must-have-folder.ts';
import { command, printJson, printLine, printWrote } from './print.ts';

interface Options {
  readonly p95: number;
  readonly rows: number;
  readonly threads?: number;
  readonly length?: Readonly<Record<string, number>>;
  readonly svg?: string;
  readonly json?: boolean;
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('Measure a model on this machine.')
    .addHelpText('after', '\nExamples:\n  glowplug bench batch models/iris/iris.onnx')
    .addCommand(batchCommand());
}

function batchCommand(): Command {
  return new Command('batch')
    .description(
      'Show how the time of a run grows with its rows, for one run with all threads and for more runs at once with fewer, and what pays.',
    )
    .argument('<model>', 'path of an .onnx file')
    .option('--p95 <ms>', 'objective in milliseconds', positive, 100)
    .option('--rows <count>', 'most rows to try', whole, 64)
    .option('--threads <count>', 'threads of all runs together (default: all cores)', whole)
    .option('--length <dimension=length>', 'length of a free dimension; may be repeated', lengths)
    .option('--svg <file>', 'draw the curves into a file')
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug bench batch models/iris/iris.onnx\n  glowplug bench batch encoder.onnx --length sequence=16 --p95 50 --json\n  glowplug bench batch model.onnx --threads 4 --svg curve.svg',
    )
    .action(command(bench));
}

async function bench(path: string, options: Options): Promise<void> {
  await mustBeFile(path, 'Give the path of an .onnx file: glowplug bench batch models/iris/iris.onnx.');
  mustHaveFolder(options.svg);
  const measured = await measureBatches((threads) => createWorkerSession(path, { threads }), {
    threads: options.threads ?? threadsFor(undefined),
    p95: options.p95,
    maxRows: options.rows,
    length: options.length ?? {},
    maxBytes: budgetFor(undefined),
  });
  if (options.svg !== undefined) await writeFile(options.svg, batchSvg(measured, basename(path)));
  if (options.json) return printJson(measured);
  for (const line of draw(measured, options.p95)) printLine(line);
  printWrote(options.svg);
}

/** A block a split, its bars of at most 40 characters: rows a second, the chosen size marked. */
function draw({ splits, best, worth, same }: Measured, p95: number): string[] {
  const most = Math.max(...splits.flatMap(({ curve }) => curve.map(({ perSecond }) => perSecond)));
  const blocks = splits.flatMap((split) => {
    const lines = split.curve.map(({ rows, ms, perSecond }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((40 * perSecond) / most)));
      const mine = split.runs === best.runs && rows === best.rows;
      const mark = mine ? pc.green(' ◄ chosen') : '';
      return `${`${rows}`.padStart(5)} ${figure(ms).padStart(9)} ${figure(perSecond).padStart(10)}  ${pc.dim(bar)}${mark}`;
    });
    return [
      `${' rows'.padStart(5)} ${'ms a run'.padStart(9)} ${'rows/s'.padStart(10)}   ${nameOf(split)}`,
      ...lines,
      '',
    ];
  });
  const alone = splits[0]!.curve[0]!.perSecond;
  const spread =
    same === undefined
      ? []
      : [`rows answered together differ from rows answered alone by at most ${same.toExponential(1)}`];
  const runs = best.runs > 1 ? `, runs: ${best.runs}` : '';
  const setting = `batch: { objective: { p95: ${p95} }${runs} }`;
  const verdict = worth
    ? `${pc.green('✓')} batching pays: ${(best.perSecond / alone).toFixed(1)} × the rows a second of one by one, with ${best.rows} rows a run and ${nameOf(best)}: ${setting}`
    : `${pc.yellow('–')} batching does not pay here: ${best.runs === 1 ? 'run this model without batch' : `rows alone, ${nameOf(best)}: ${setting}`}`;
  return [...blocks, verdict, ...spread];
}

function figure(ms: number): string {
  return ms.toPrecision(3).length > 8 ? ms.toFixed(0) : String(Number(ms.toPrecision(3)));
}

/** Commander says which option it was, and ends with its own exit code. */
function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

function whole(text: string): number {
  const value = positive(text);
  if (Number.isInteger(value) && value <= 4096) return value;
  throw new InvalidArgumentError('Expected a whole number up to 4096.');
}

function lengths(text: string, before: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected dimension=length.');
  return { ...before, [text.slice(0, at)]: whole(text.slice(at + 1)) };
}
