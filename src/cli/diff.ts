// glowplug diff: what changes between two versions.
import { Command } from 'commander';
import pc from 'picocolors';
import { readContract } from '../core/contract.ts';
import { type Change, diffVersions } from '../release/diff-versions.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { printTable } from './table.ts';

interface Options extends StoreOption {
  readonly json?: boolean;
}

export function diffCommand(): Command {
  const it = new Command('diff')
    .description('Compare two versions: signature, files, operators, weights. Fetches both models into the cache.')
    .argument('<from>', 'a reference, such as ppocr-rec:prod')
    .argument('<to>', 'another, such as ppocr-rec:candidate');
  return storeOption(it)
    .option('--json', 'print the differences as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug diff ppocr-rec:prod ppocr-rec:candidate\n  glowplug diff iris:1.0.0 iris:1.1.0 --json',
    )
    .action(command(diff));
}

async function diff(from: string, to: string, options: Options): Promise<void> {
  const { cacheDir } = readContract();
  const found = await diffVersions(await chosenStore(options), [from, to], cacheDir);
  if (options.json) return printJson(found);
  const name = ({ model, version }: { model: string; version: string }) => pc.bold(`${model}:${version}`);
  printLine(`${name(found.from)} → ${name(found.to)}`);
  if (found.from.digest === found.to.digest) return printLine('the same version');
  if (found.signature.length === 0) printLine(`${pc.green('✓')} the signature is the same: functions need no change`);
  else printLine(`${pc.red('✗')} the signature is another: look at the functions, then glowplug lock`);
  printLine();
  const rows = [
    ...section('signature', found.signature),
    ...section('files', found.files),
    ...section('model', found.model),
    ...section('operators', found.operators),
  ];
  printTable(rows.length > 0 ? rows : [['nothing else differs']], [pc.dim, undefined, pc.red, undefined, pc.green]);
}

function section(label: string, changes: readonly Change[]): string[][] {
  return changes.map(({ name, from, to }, at) => [at === 0 ? label : '', name, shown(from), '→', shown(to)]);
}

function shown(value: string | number | undefined): string {
  return typeof value === 'number' ? value.toLocaleString('en') : (value ?? 'none');
}
