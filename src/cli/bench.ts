// glowplug bench batch: what a run of 1, 2, 4 … rows takes here, drawn, and what the batcher would choose.
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { type Measured, measureBatches } from '../session/measure-batches.ts';
import { createOrtSession } from '../session/ort.ts';
import { threadsFor } from '../session/threads.ts';
import { command, printJson, printLine } from './print.ts';

interface Options {
  readonly p95: number;
  readonly rows: number;
  readonly threads?: number;
  readonly length?: Readonly<Record<string, number>>;
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
    .description('Show how the time of a run grows with its rows, and whether batching pays.')
    .argument('<model>', 'path of an .onnx file')
    .option('--p95 <ms>', 'objective in milliseconds', positive, 100)
    .option('--rows <count>', 'most rows to try', whole, 64)
    .option('--threads <count>', 'threads of a run; default: all cores', whole)
    .option('--length <dimension=length>', 'length of a free dimension; may be repeated', lengths)
    .option('--json', 'print the figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug bench batch models/iris/iris.onnx\n  glowplug bench batch encoder.onnx --length sequence=16 --p95 50 --json',
    )
    .action(command(bench));
}

async function bench(path: string, options: Options): Promise<void> {
  const threads = options.threads ?? threadsFor(undefined);
  await using session = await createOrtSession(path, { threads });
  const measured = await measureBatches(session, {
    p95: options.p95,
    maxRows: options.rows,
    length: options.length ?? {},
  });
  if (options.json) return printJson({ threads, ...measured });
  for (const line of draw(measured, threads)) printLine(line);
}

/** Bars of at most 40 characters: milliseconds a row, the chosen size marked. */
function draw({ curve, chosen, worth, same }: Measured, threads: number): string[] {
  const most = Math.max(...curve.map(({ msPerRow }) => msPerRow));
  const lines = curve.map(({ rows, ms, msPerRow }) => {
    const bar = '█'.repeat(Math.max(1, Math.round((40 * msPerRow) / most)));
    const mark = rows === chosen.rows ? pc.green(' ◄ chosen') : '';
    return `${`${rows}`.padStart(5)} ${figure(ms).padStart(9)} ${figure(msPerRow).padStart(10)}  ${pc.dim(bar)}${mark}`;
  });
  const spread =
    same === undefined
      ? []
      : [`rows answered together differ from rows answered alone by at most ${same.toExponential(1)}`];
  const verdict = worth
    ? `${pc.green('✓')} batching pays: ${chosen.gain?.toFixed(1)} × the rows a second of one by one, at ${chosen.rows} rows a run`
    : `${pc.yellow('–')} batching does not pay here: run this model without batch`;
  return [
    `${' rows'.padStart(5)} ${'ms a run'.padStart(9)} ${'ms a row'.padStart(10)}   (${threads} ${threads === 1 ? 'thread' : 'threads'})`,
    ...lines,
    '',
    verdict,
    ...spread,
  ];
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
