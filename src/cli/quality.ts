// glowplug quality: how a function does now, beside its baseline and beside what was true.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { parseBaseline } from '../quality/baseline.ts';
import { fewestRecords } from '../quality/compare.ts';
import { drifting, type QualityReport, qualityReport } from '../quality/report.ts';
import { type KeptOption, keptOption, keptStore } from './kept.ts';
import { mustHaveFolder } from './must-have-folder.ts';
import { command, printJson, printLine } from './print.ts';
import { qualityHtml } from './quality-html.ts';
import { printTable } from './table.ts';
import { whole } from './whole.ts';

interface Options extends KeptOption {
  readonly hours: number;
  readonly baseline?: string;
  readonly json?: boolean;
  readonly html?: string;
}

export function qualityCommand(): Command {
  return keptOption(
    new Command('quality')
      .description(
        'Say how a function does: whether what it is asked has drifted from its baseline, and how often it was right.',
      )
      .argument('<function>', 'a folder of functions/'),
  )
    .option('--hours <hours>', 'the window that drift is looked for in, up to now', whole(1, 24 * 366), 24)
    .option('--baseline <file>', 'what to compare with (default: functions/<function>/baseline.json)')
    .option('--json', 'print the report as JSON, as the monitor writes it')
    .option('--html <file>', 'write a page with each distribution beside its baseline')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug quality spam --kept s3://my-bucket\n  glowplug quality spam --kept .glowplug/kept --hours 168 --html spam.html',
    )
    .action(command(quality));
}

async function quality(name: string, options: Options): Promise<void> {
  mustHaveFolder(options.html);
  const file = options.baseline ?? join('functions', name, 'baseline.json');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new GlowplugError('CONFIG_INVALID', `expected a baseline in ${file}, it cannot be read`, {
      cause,
      remedy: `Make it of what was captured: glowplug baseline ${name}.`,
    });
  });
  const store = await keptStore(name, options);
  const to = new Date();
  const from = new Date(to.getTime() - options.hours * 3_600_000);
  const report = await qualityReport(store, name, parseBaseline(text, file), { from, to });
  if (options.html !== undefined) await writeFile(options.html, qualityHtml(report));
  if (options.json) printJson(report);
  else show(report, options);
}

function show(report: QualityReport, { hours, html }: Options): void {
  const { drift, captured, accuracy, unreadable } = report;
  printLine(
    `${pc.bold(report.function)}  ${captured} captured requests in ${hours} hours${unreadable > 0 ? `, ${unreadable} objects or lines unreadable` : ''}`,
  );
  if (drift.features.length > 0) {
    printTable(
      [
        ['  feature', '', 'PSI', 'Jensen–Shannon', 'p', 'requests'],
        ...drift.features.map((one) => [
          `  ${one.name}`,
          one.drifts ? 'DRIFTS' : 'as before',
          one.stabilityIndex.toFixed(3),
          one.jensenShannon.toFixed(3),
          (one.kolmogorovSmirnov ?? one.chiSquare)?.p.toPrecision(2) ?? '',
          `${one.count}`,
        ]),
      ],
      [undefined, (cell) => (cell.startsWith('DRIFTS') ? pc.red(cell) : pc.green(cell))],
    );
  }
  for (const name of drift.gone) printLine(`  ${name}  ${pc.red('GONE')}`);
  for (const name of drift.unknown) printLine(pc.dim(`  ${name}  not in the baseline`));
  printLine(verdict(report));
  if (accuracy) printLine(truthLine(accuracy));
  if (html !== undefined) printLine(pc.dim(`  ${html} has the distributions`));
}

function verdict(report: QualityReport): string {
  const names = drifting(report);
  if (report.drift.tooFew) return `${pc.yellow('·')} too few to say: ${fewestRecords} requests are needed`;
  if (names.length > 0) return `${pc.red('✗')} ${names.join(', ')}: not what the function was released for`;
  return `${pc.green('✓')} what it is asked is what it was released for`;
}

function truthLine(accuracy: NonNullable<QualityReport['accuracy']>): string {
  const { labelled, right, interval, meanError, late, repeated, contradictory, unknown } = accuracy;
  const rest = `${late} late, ${repeated} repeated, ${contradictory} contradictory, ${unknown} unknown`;
  if (labelled === 0) return `· no labels for the requests of the last 30 days (${rest})`;
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  const figure = meanError
    ? `off by ${Number(meanError.value.toPrecision(3))} (${meanError.interval.map((end) => Number(end.toPrecision(3))).join(' to ')})`
    : `right in ${share(right / labelled)} (${interval.map(share).join(' to ')})`;
  return `· ${figure} of ${labelled} labelled requests of 30 days (${rest})`;
}
