// glowplug explain: everything there is of one request, on the terminal or as a folder to hand on.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../core/clock.ts';
import { readContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { awsApi } from '../ops/aws-api.ts';
import { barsOf, type Explanation, explainRequest, type LoggedRequest } from '../testing/explain-request.ts';
import { type LoggedLine, logsIn, readLogs } from '../testing/log-files.ts';
import { storeOption } from './chosen-store.ts';
import { cloudFolder } from './cloud-folder.ts';
import { insightsLines } from './insights.ts';
import { mustHaveFolder } from './must-have-folder.ts';
import { command, printJson, printLine, printWrote } from './print.ts';
import { printableLog } from './printable.ts';
import { type Profile, profileRuns } from './profile-runs.ts';
import { waterfall } from './waterfall.ts';
import { waterfallSvg } from './waterfall-svg.ts';

interface Options {
  readonly aws?: string;
  readonly since?: number;
  readonly profile?: boolean;
  readonly store?: string;
  readonly json?: boolean;
  readonly svg?: string;
  readonly out?: string;
}

export function explainCommand(): Command {
  const own = new Command('explain')
    .description(
      'Show where the time of one request went: its stages, its batch, its version, its environment, its log.',
    )
    .argument('<request>', 'its id: requestId of an error, or the header x-request-id of an answer')
    .option(
      '--aws <function>',
      'look in CloudWatch Logs, for a function as it is called there (default: the local cloud)',
    )
    .option('--since <time>', 'how far back to look there: 30m, 24h, 7d (default: 24h)', duration)
    .option('--profile', 'run its models here, in the sizes of its runs, under onnxruntime’s profiler')
    .option('--svg <file>', 'write its waterfall as a picture')
    .option('--out <folder>', 'write all of it into a folder')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug explain 7f1c2f4e-…\n  glowplug explain 7f1c2f4e-… --profile --out slow-request\n  glowplug explain 7f1c2f4e-… --aws glowplug-prod-functions-Ocr… --since 2h',
    );
  return storeOption(own).action(command(explain));
}

async function explain(requestId: string, options: Options): Promise<void> {
  if (options.since !== undefined && options.aws === undefined) {
    throw new GlowplugError('CONFIG_INVALID', 'expected --aws with --since: the log of the local cloud is read whole', {
      remedy: 'Name the deployed function: --aws <function>.',
    });
  }
  mustHaveFolder(options.svg);
  const found = explainRequest(requestId, options.aws ? await onAws(requestId, options.aws, options) : await here());
  if (!found) {
    throw new GlowplugError('NOT_FOUND', `expected lines about request ${requestId} in the log, found none`, {
      remedy: options.aws
        ? 'Logs come half a minute late; look further back with --since 7d, or at another function.'
        : 'The local cloud keeps the log of its run now, or of its last. For a deployed function name it: --aws <function>.',
    });
  }
  const profiles = options.profile && found.request ? await profileRuns(found.request.runs, options) : undefined;
  if (options.svg !== undefined && found.request) await writeFile(options.svg, picture(found.request));
  if (options.out !== undefined) await writeBundle(options.out, found, profiles);
  if (options.json) return printJson({ ...found, ...(profiles ? { profiles } : {}) });
  printLine(printableLog([...describe(found), ...(profiles ?? []).flatMap(profileLines)].join('\n')));
  if (found.request) printWrote(options.svg);
  printWrote(options.out);
}

async function here(): Promise<LoggedLine[]> {
  const folder = logsIn(cloudFolder(process.cwd()));
  if (!existsSync(folder)) {
    throw new GlowplugError('CONFIG_INVALID', `expected logs in ${folder}, no local cloud has run here`, {
      remedy:
        'Run glowplug dev in another terminal, in the same folder; or name a deployed function: --aws <function>.',
    });
  }
  return await Array.fromAsync(readLogs(folder, undefined));
}

async function onAws(
  requestId: string,
  functionName: string,
  { since = 24 * 3_600_000 }: Options,
): Promise<LoggedLine[]> {
  const contract = readContract();
  if (!contract.credentials) {
    throw new GlowplugError('CONFIG_INVALID', 'expected AWS credentials in the environment, found none', {
      remedy: 'eval "$(aws configure export-credentials --format env)", and set AWS_REGION.',
    });
  }
  const options = { api: awsApi(contract), clock: systemClock, functionName, sinceMs: since, now: Date.now() };
  return await insightsLines(requestId, options);
}

function describe({ requestId, function: name, request, coldStart, invocation, log }: Explanation): string[] {
  const end = request
    ? `${request.status}${request.code === undefined ? '' : ` ${request.code}`} in ${request.ms.toFixed(1)} ms`
    : `${invocation?.failure ?? 'no end'}: it did not tell how it went`;
  const lines = [`${name} ${requestId}: ${end}`];
  if (invocation) lines.push(environmentOf(invocation, coldStart !== undefined));
  if (request) {
    lines.push(`trace ${request.traceparent}`);
    if (request.CostMicrodollars !== undefined)
      lines.push(`about $${(request.CostMicrodollars / 1e6).toFixed(8)} (us-east-1)`);
    lines.push('', ...runLines(request));
    const bars = barsOf(request);
    if (bars.length > 0) lines.push('', waterfall(bars, process.stdout.columns, titleOf(request)));
  }
  if (coldStart) lines.push('', waterfall(coldStart, process.stdout.columns));
  // \r is a line break inside a message, as in CloudWatch.
  if (log.length > 0) lines.push('', 'log:', ...log.map((line) => `  ${line.replaceAll('\r', '\n  ')}`));
  return lines;
}

function environmentOf(
  { durationMs, initMs, memoryMb, maxMemoryMb }: NonNullable<Explanation['invocation']>,
  cold: boolean,
): string {
  const parts = [
    cold || initMs !== undefined ? 'cold environment' : 'warm environment',
    ...(initMs === undefined ? [] : [`init ${initMs.toFixed(0)} ms`]),
    ...(durationMs === undefined ? [] : [`invocation ${durationMs.toFixed(1)} ms`]),
    ...(maxMemoryMb === undefined ? [] : [`${maxMemoryMb} of ${memoryMb} MB`]),
  ];
  return parts.join(', ');
}

function runLines({ runs, moreRuns = 0 }: LoggedRequest): string[] {
  const lines = [...Map.groupBy(runs, ({ model, version }) => `${model}:${version}`)].map(([name, own]) => {
    const sum = (value: (run: (typeof own)[number]) => number) => own.reduce((all, run) => all + value(run), 0);
    const ran = sum(({ from, to, queueMs }) => to - from - queueMs);
    const [rows, others] = [
      Math.max(...own.map((run) => run.rows)),
      Math.max(...own.map(({ requests }) => requests)) - 1,
    ];
    const times = own.length === 1 ? '1 run' : `${own.length} runs`;
    const company = others === 0 ? 'alone' : `with up to ${others} other ${others === 1 ? 'request' : 'requests'}`;
    return `${name}: ${times}, ${ran.toFixed(1)} ms; waited ${sum(({ queueMs }) => queueMs).toFixed(1)} ms; up to ${rows} ${rows === 1 ? 'row' : 'rows'} a run, ${company}`;
  });
  if (lines.length === 0) return ['no model ran'];
  return moreRuns > 0 ? [...lines, `and ${moreRuns} runs more`] : lines;
}

function titleOf({ ms }: LoggedRequest): string {
  return `request: ${ms.toFixed(1)} ms from its first verb to its end`;
}

function picture(request: LoggedRequest): string {
  return waterfallSvg(barsOf(request), titleOf(request));
}

async function writeBundle(
  folder: string,
  found: Explanation,
  profiles: readonly Profile[] | undefined,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  await write('request.json', `${JSON.stringify(found, null, 2)}\n`);
  if (found.log.length > 0) await write('log.txt', `${found.log.join('\n')}\n`);
  if (found.request && barsOf(found.request).length > 0) await write('request.svg', picture(found.request));
  if (found.coldStart) await write('cold-start.svg', waterfallSvg(found.coldStart));
  for (const { model, version, trace } of profiles ?? []) await write(`profile-${model}-${version}.json`, trace);
}

function profileLines({ model, version, rows, ms, operators }: Profile): string[] {
  return [
    '',
    `${model}:${version} here, ${rows} ${rows === 1 ? 'row' : 'rows'} of made-up input: ${ms.toFixed(2)} ms a run`,
    ...operators
      .slice(0, 8)
      .map((each) => `  ${each.operator.padEnd(24)} ${each.ms.toFixed(2).padStart(9)} ms  × ${each.count}`),
  ];
}

function duration(text: string): number {
  const [, count, unit = ''] = /^(\d+)([mhd])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('expected a time such as 30m, 24h or 7d');
  return Number(count) * { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 'm' | 'h' | 'd'];
}
