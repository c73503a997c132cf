// glowplug logs: what the functions of the local cloud wrote, and with -f what they write.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { type LoggedLine, logsIn, readLogs } from '../testing/log-files.ts';
import { cloudFolder } from './cloud-folder.ts';
import { functionNames, unknownFunction } from './function-names.ts';
import { command, printLine } from './print.ts';
import { printableLines } from './printable.ts';
import { findRunningCloud } from './running-cloud.ts';

interface Options {
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function logsCommand(): Command {
  return new Command('logs')
    .description('Print the logs of the local cloud’s functions: of its run now, or of its last.')
    .argument('[function]', 'a folder of functions/ (default: all)')
    .option('-f, --follow', 'go on with what they write, until Ctrl-C')
    .option('--json', 'print each line as { function, line }')
    .addHelpText('after', '\nExamples:\n  glowplug logs iris\n  glowplug logs -f\n  glowplug logs ocr -f --json')
    .action(command(logs));
}

async function logs(name: string | undefined, options: Options): Promise<void> {
  const folder = logsIn(cloudFolder(process.cwd()));
  if (!existsSync(folder)) {
    throw new GlowplugError('CONFIG_INVALID', `expected logs in ${folder}, no local cloud has run here`, {
      remedy: 'Run glowplug dev in another terminal, in the same folder.',
    });
  }
  if (name !== undefined) {
    const known = new Set([...functionNames(process.cwd()), ...(await loggedIn(folder))]);
    const { urls = {} } = (await findRunningCloud(process.cwd())) ?? {};
    for (const running of Object.keys(urls)) known.add(running);
    if (!known.has(name)) throw unknownFunction(name, [...known].sort());
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const follow = options.follow ? { clock: systemClock, signal: stop.signal } : undefined;
  for await (const entry of readLogs(folder, name, follow)) {
    if (options.json) printLine(JSON.stringify(entry));
    else printLine(linesOf(entry, name === undefined));
  }
}

async function loggedIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).flatMap((file) => (file.endsWith('.log') ? file.slice(0, -4) : []));
}

function linesOf({ function: from, line }: LoggedLine, named: boolean): string {
  const [before, below] = named ? [`${from} │ `, `${' '.repeat(from.length)} │ `] : ['', ''];
  return `${before}${printableLines(line, below)}`;
}
