// glowplug client: a typed TypeScript client for functions, one file each.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { clientText } from '../release/client/client-text.ts';
import { writeWhole } from '../release/write-whole.ts';
import { describeFunction } from './describe-function.ts';
import { command, printJson, printLine } from './print.ts';

interface Options {
  readonly out: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

export function clientCommand(): Command {
  return new Command('client')
    .description(
      'Write a typed TypeScript client for functions: inputs, answers, streams and errors; without dependencies, for browsers and Node.',
    )
    .argument('<functions...>', 'folders of functions/')
    .option('--out <folder>', 'where the files go, each named after its function', 'clients')
    .option('--check', 'write nothing; fail when a file is not what it should be')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug client iris\n  glowplug client iris ocr --out ../web/src/clients\n  glowplug client iris --check',
    )
    .action(command(client));
}

async function client(names: readonly string[], { out, check, json }: Options): Promise<void> {
  const files = names.map((name) => ({
    file: join(out, `${name}.ts`),
    text: clientText(describeFunction(process.cwd(), name)),
  }));
  const before = await Promise.all(files.map(({ file }) => readFile(file, 'utf8').catch(() => undefined)));
  const stale = files.filter(({ text }, at) => text !== before[at]).map(({ file }) => file);
  if (json) printJson({ files: files.map(({ file }) => file), stale });
  if (check && stale.length > 0) {
    throw new GlowplugError('CLIENT_STALE', `${stale.join(', ')}: not what the functions take and answer now`);
  }
  if (!check) {
    await mkdir(out, { recursive: true });
    for (const { file, text } of files) await writeWhole(file, text);
  }
  if (json) return;
  for (const { file } of files)
    printLine(`${stale.includes(file) ? pc.green('written  ') : pc.dim('as it was')}  ${file}`);
}
