// glowplug baseline: what a function's features are like now, as the file that later traffic is held against.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { type Baseline, makeBaseline } from '../quality/baseline.ts';
import { fewestRecords } from '../quality/compare.ts';
import { readCaptured } from '../quality/read-captured.ts';
import { type KeptOption, keptOption, keptStore } from './kept.ts';
import { command, printJson, printLine, printProgress } from './print.ts';
import { printTable } from './table.ts';
import { whole } from './whole.ts';

interface Options extends KeptOption {
  readonly prediction?: string;
  readonly days: number;
  readonly output?: string;
  readonly json?: boolean;
}

export function baselineCommand(): Command {
  return keptOption(
    new Command('baseline')
      .description(
        'Make the baseline of a function from what it captured: of training data sent to it, or of its first days.',
      )
      .argument('<function>', 'a folder of functions/')
      .option('--prediction <feature>', 'the feature that labels are compared with'),
  )
    .option('--days <days>', 'how many days of captured requests, up to now', whole(1, 366), 7)
    .option('--output <file>', 'where to write it (default: functions/<function>/baseline.json)')
    .option('--json', 'print it as JSON too')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug baseline spam --prediction spam --kept .glowplug/kept\n  glowplug baseline iris --prediction class --kept s3://my-bucket --days 30',
    )
    .action(command(baseline));
}

async function baseline(name: string, options: Options): Promise<void> {
  const store = await keptStore(name, options);
  const to = new Date();
  const from = new Date(to.getTime() - options.days * 24 * 3_600_000);
  const { records, captured } = await readCaptured(store, name, { from, to });
  const made = makeBaseline(records, options.prediction);
  const file = options.output ?? join('functions', name, 'baseline.json');
  await writeFile(file, `${JSON.stringify(made, null, 1)}\n`);
  if (options.json) printJson(made);
  else show(made, file, captured);
  if (made.records < fewestRecords) printProgress(`of ${made.records} records: ${fewestRecords} and more say more`);
}

function show({ records, prediction, features }: Baseline, file: string, captured: number): void {
  printTable(
    Object.entries(features).map(([name, feature]) => [
      `  ${name}${name === prediction ? ' (held against labels)' : ''}`,
      feature.kind,
      feature.kind === 'number'
        ? `${short(feature.quantiles[0])} … ${short(feature.quantiles[50])} … ${short(feature.quantiles[100])}`
        : Object.entries(feature.values)
            .slice(0, 4)
            .map(([value, count]) => `${value} ${Math.round((100 * count) / feature.count)} %`)
            .join(', '),
    ]),
    [undefined, pc.dim],
  );
  printLine(`${pc.green('✓')} ${file}, of ${records} of ${captured} captured requests`);
}

function short(value = 0): string {
  return `${Number(value.toPrecision(3))}`;
}
