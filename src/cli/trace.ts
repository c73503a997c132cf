// glowplug trace: where the time of a cold start went.
import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { GlowplugError } from '../core/errors.ts';
import type { Stage } from '../handler/cold-start.ts';
import { coldStartsIn } from '../testing/cold-starts-in.ts';
import { logsIn, readLogs } from '../testing/log-files.ts';
import { cloudFolder } from './cloud-folder.ts';
import { functionNames, unknownFunction } from './function-names.ts';
import { mustHaveFolder } from './must-have-folder.ts';
import { command, printJson, printLine, printProgress, printWrote } from './print.ts';
import { findRunningCloud } from './running-cloud.ts';
import { waterfall } from './waterfall.ts';
import { waterfallSvg } from './waterfall-svg.ts';

interface Options {
  readonly log?: string;
  readonly json?: boolean;
  readonly svg?: string;
}

export function traceCommand(): Command {
  return new Command('trace')
    .description(
      'Show where the time of a cold start went: of a function in the local cloud, or of each start in a log.',
    )
    .argument(
      '[function]',
      'a folder of functions/: its last cold start in the running local cloud, else one made here',
    )
    .option('--log <file>', 'a log to read instead, - for standard input')
    .option('--svg <file>', 'write the last start’s waterfall as a picture')
    .option('--json', 'print the stages')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug trace ocr\n  glowplug trace ocr --svg cold-start.svg\n  aws logs tail /aws/lambda/ocr --format short | glowplug trace --log -',
    )
    .action(command(trace));
}

async function trace(name: string | undefined, options: Options): Promise<void> {
  mustHaveFolder(options.svg);
  const starts = options.log === undefined ? await startsOf(name) : coldStartsIn(await readLog(options.log));
  const last = starts.at(-1);
  if (!last) {
    throw new GlowplugError('NOT_FOUND', 'expected a line "cold start" in the log, found none', {
      remedy:
        'Each environment writes one after its first answer: send it a request, or look at an earlier part of the log.',
    });
  }
  if (options.svg !== undefined) await writeFile(options.svg, waterfallSvg(last));
  if (options.json) return printJson(starts);
  printLine(starts.map((stages) => waterfall(stages, process.stdout.columns)).join('\n\n'));
  printWrote(options.svg);
}

/** Of the running cloud the last start of each function that is meant; else one that is made now. */
async function startsOf(name: string | undefined): Promise<Stage[][]> {
  const running = await findRunningCloud(process.cwd());
  const known = running ? Object.keys(running.urls) : functionNames(process.cwd());
  // Before anything is synthesised and published.
  if (name !== undefined && known.length > 0 && !known.includes(name)) throw unknownFunction(name, known);
  if (running) {
    const logs = new Map<string, string[]>();
    for await (const { function: own, line } of readLogs(logsIn(cloudFolder(process.cwd())), name)) {
      logs
        .set(own, logs.get(own) ?? [])
        .get(own)
        ?.push(line);
    }
    return [...logs.values()].flatMap((lines) => coldStartsIn(lines.join('\n')).slice(-1));
  }
  if (name === undefined) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      'expected a function or --log; got neither, and no local cloud runs here',
      {
        remedy: 'glowplug trace <function>, or glowplug trace --log <file>.',
      },
    );
  }
  const { startLocalCloud } = await import('../testing/cloud.ts');
  await using cloud = await startLocalCloud({ root: process.cwd(), onProgress: printProgress });
  const { stages } = await cloud.coldStart(name, { starts: 1 });
  return [[...stages]];
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
