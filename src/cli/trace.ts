// glowplug trace: where the time of a cold start went.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { GlowplugError } from '../core/errors.ts';
import { readSample } from '../testing/samples.ts';
import { command, printJson, printLine, printProgress } from './print.ts';
import { coldStartsIn, waterfall } from './waterfall.ts';

interface Options {
  readonly log?: string;
  readonly json?: boolean;
}

export function traceCommand(): Command {
  return new Command('trace')
    .description('Show where the time of a cold start went: of a function started here, or of each start in a log.')
    .argument('[function]', 'a folder of functions/: it is started in a local cloud and sent its sample request')
    .option('--log <file>', 'a log to read instead, - for standard input')
    .option('--json', 'print the stages')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug trace ocr\n  aws logs tail /aws/lambda/ocr --format short | glowplug trace --log -',
    )
    .action(command(trace));
}

async function trace(name: string | undefined, options: Options): Promise<void> {
  const log = options.log === undefined ? await logOf(name) : await readLog(options.log);
  const starts = coldStartsIn(log);
  if (starts.length === 0) {
    throw new GlowplugError('NOT_FOUND', 'expected a line "cold start" in the log, found none', {
      remedy: 'Each environment writes one after its first answer: look at an earlier part of the log.',
    });
  }
  if (options.json) printJson(starts);
  else printLine(starts.map((stages) => waterfall(stages, process.stdout.columns)).join('\n\n'));
}

async function logOf(name: string | undefined): Promise<string> {
  const sample = name === undefined ? undefined : readSample(join('functions', name), name);
  if (name === undefined || !sample) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a function with a sample request, or --log; got ${name ?? 'neither'}`,
      {
        remedy: 'glowplug trace <function>, or glowplug trace --log <file>.',
      },
    );
  }
  const { startLocalCloud } = await import('../testing/cloud.ts');
  await using cloud = await startLocalCloud({ root: process.cwd(), onProgress: printProgress });
  const { body, contentType } = sample;
  const answer = await cloud
    .function(name)
    .fetch('/', { method: 'POST', headers: { 'content-type': contentType }, body });
  await answer.arrayBuffer();
  return cloud.function(name).logs();
}

async function readLog(path: string): Promise<string> {
  if (path === '-') return await text(process.stdin);
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new GlowplugError('CONFIG_INVALID', `expected a log at ${path}, it cannot be read`, {
      cause,
      remedy: 'Name a file, or - for standard input.',
    });
  }
}
