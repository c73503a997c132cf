// glowplug show: one version: its files, signature, channels, and who signed it.
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import type { TensorSpec } from '../core/signature.ts';
import { describeVersion, type Standing } from '../models/describe-version.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import { verifySigned } from '../models/verify-signed.ts';
import type { LockedVersion } from '../models/version.ts';
import { readTrustedKeys } from '../release/read-trusted-keys.ts';
import { byteSize } from './byte-size.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { printable } from './printable.ts';
import { printTable } from './table.ts';

interface Options extends StoreOption {
  readonly json?: boolean;
}

export function showCommand(): Command {
  const it = new Command('show')
    .description('Show a version: files, signature, channels, and whether models.keys.json trusts who signed it.')
    .argument('<reference>', 'such as ppocr-rec:prod or ppocr-rec@sha256:…');
  return storeOption(it)
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  glowplug show ppocr-rec:prod\n  glowplug show ppocr-rec:1.4.0 --json')
    .action(command(show));
}

async function show(reference: string, options: Options): Promise<void> {
  const store = await chosenStore(options);
  const { locked, standing } = await describeVersion(store, reference);
  const refused = await refusal(store, locked);
  if (options.json) return printJson({ ...locked, ...standing, ...(refused ? { refused } : {}) });
  printLine(`${pc.bold(`${locked.model}:${locked.version}`)}  ${locked.digest}`);
  for (const line of standingLines(standing, refused)) printLine(line);
  printLine();
  printTable([
    ...rows('inputs', locked.signature.inputs),
    ...rows('outputs', locked.signature.outputs),
    ...Object.entries(locked.files).map(([name, { size }], at) => [at === 0 ? 'files' : '', name, byteSize(size)]),
  ]);
}

/** Why a lock written here would not take the version. */
async function refusal(store: ReadableStore, locked: LockedVersion): Promise<string | undefined> {
  try {
    await verifySigned(store, locked, await readTrustedKeys(process.cwd()));
    return undefined;
  } catch (error) {
    if (error instanceof GlowplugError && /^(SIGNATURE_INVALID|BELOW_FLOOR)$/.test(error.code)) return error.message;
    throw error;
  }
}

function standingLines({ channels, signedBy, yanked }: Standing, refused: string | undefined): string[] {
  return [
    ...(channels.length > 0 ? [`${pc.green('✓')} ${channels.join(', ')}`] : []),
    ...(signedBy.length > 0 && !refused ? [`${pc.green('✓')} signed by ${printable(signedBy.join(', '))}`] : []),
    ...(refused ? [`${pc.red('✗')} ${printable(refused, 300)}`] : []),
    ...(yanked
      ? [`${pc.red('✗')} yanked by ${printable(yanked.by)} at ${yanked.at}: ${printable(yanked.why, 300)}`]
      : []),
  ];
}

function rows(label: string, specs: Readonly<Record<string, TensorSpec>>): string[][] {
  return Object.entries(specs).map(([name, { datatype, shape }], at) => [
    at === 0 ? label : '',
    name,
    `${datatype} [${shape.join(', ')}]`,
  ]);
}
