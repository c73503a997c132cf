// glowplug dev: the app in the local cloud, each function's sample answered, and hot reload until Ctrl-C.
import { relative } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { curlLine } from '../testing/curl-line.ts';
import type { LocalCloud } from '../testing/local-cloud.ts';
import { answerBody, difference, readSamples, type Sample } from '../testing/samples.ts';
import { cloudFolder } from './cloud-folder.ts';
import { command, exitCodes, printError, printJson, printLine, printLog, printProgress } from './print.ts';
import { forgetRunningCloud, rememberRunningCloud } from './running-cloud.ts';
import { watchSources } from './watch.ts';

interface Options {
  readonly once?: boolean;
  readonly port: number;
  readonly inspect?: string;
  readonly inspectPort: number;
  readonly json?: boolean;
}

/** What a sample came to. `problem` says where the answer is not the golden one. */
interface SampleAnswer {
  readonly name: string;
  readonly url: string;
  readonly status: number;
  readonly ms: number;
  readonly body: unknown;
  readonly problem: string | undefined;
  readonly curl: string;
}

export function devCommand(): Command {
  return new Command('dev')
    .description('Run the app in the local cloud: build, synthesise, publish, answer each sample, reload on change.')
    .option('--once', 'end after the samples; exit 0 only when every answer is its golden one')
    .option('--port <port>', 'first port: the AWS APIs; the functions’ URLs follow', port, 9000)
    .option('--inspect <function>', 'let a debugger attach to the function: no time limit, never frozen')
    .option('--inspect-port <port>', 'where it attaches, on 127.0.0.1', port, 9229)
    .option('--json', 'print the samples’ answers as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug dev\n  glowplug dev --once --json\n  glowplug dev --port 9100\n  glowplug dev --inspect iris',
    )
    .action(command(dev));
}

async function dev(options: Options): Promise<void> {
  const root = process.cwd();
  const { startLocalCloud } = await import('../testing/cloud.ts');
  let up = false;
  await using cloud = await startLocalCloud({
    root,
    // A run that ends by itself takes any free port.
    port: options.once ? 0 : options.port,
    folder: cloudFolder(root),
    ...(options.inspect ? { inspect: { function: options.inspect, port: options.inspectPort } } : {}),
    onProgress: printProgress,
    // The samples are the news until it is up, unless something goes wrong.
    log: (name, line) => (up || /"level":"(WARN|ERROR)"/.test(line)) && printLog(name, line),
  });
  const answers: SampleAnswer[] = [];
  for (const sample of readSamples(root)) {
    const answer = await answerSample(cloud, sample, root);
    answers.push(answer);
    if (!options.json) printAnswer(answer);
  }
  if (options.json) printJson(answers);
  for (const name of options.json ? [] : cloud.functions)
    if (!answers.some((answer) => answer.name === name)) printUnasked(name, cloud.function(name).url);
  if (answers.some(({ problem }) => problem !== undefined)) process.exitCode = exitCodes.failed;
  if (options.once) return;

  up = true;
  await rememberRunningCloud(root, cloud);
  try {
    if (options.inspect) {
      printLine(`Attach a debugger to ${pc.bold(options.inspect)} at ${pc.cyan(`127.0.0.1:${options.inspectPort}`)}.`);
    }
    await serve(cloud, root);
  } finally {
    await forgetRunningCloud(root);
  }
}

async function answerSample(cloud: LocalCloud, sample: Sample, root: string): Promise<SampleAnswer> {
  const { name, contentType, golden } = sample;
  const fn = cloud.function(name);
  const file = relative(root, sample.file);
  const curl = curlLine(fn.url, sample, file, cloud.region, cloud.credentials);
  const start = performance.now();
  const response = await fn.fetch('/', { method: 'POST', headers: { 'content-type': contentType }, body: sample.body });
  const bytes = await response.bytes();
  const ms = Math.round(performance.now() - start);
  const body = answerBody(response.headers.get('content-type') ?? '', bytes);
  const problem =
    golden && golden.status !== response.status
      ? `expected status ${golden.status}, got ${response.status}`
      : golden && difference(golden.body, body, golden.tolerance);
  return { name, url: fn.url, status: response.status, ms, body, problem, curl };
}

function printAnswer({ name, url, status, ms, body, problem, curl }: SampleAnswer): void {
  const mark = problem ? pc.red('✗') : pc.green('✓');
  printLine(`\n${mark} ${pc.bold(name)}  ${pc.cyan(url)}  ${status} in ${ms} ms, cold`);
  printLine(indent(typeof body === 'string' ? body : JSON.stringify(body, null, 1).replace(/\n\s*/g, ' ')));
  if (problem) printLine(pc.red(`  not the golden answer: ${problem}`));
  printLine(pc.dim(`  ${curl}`));
}

function printUnasked(name: string, url: string): void {
  printLine(`\n${pc.dim('·')} ${pc.bold(name)}  ${pc.cyan(url)}  no sample to ask it with`);
  printLine(pc.dim(`  put a request.json into functions/${name}, or: glowplug invoke ${name} --data @file`));
}

async function serve(cloud: LocalCloud, root: string): Promise<void> {
  printLine(
    `\n${pc.bold('The local cloud is up:')} ${pc.cyan(cloud.page)}\nAWS APIs at ${pc.cyan(cloud.endpoint)}; it reloads when you save; Ctrl-C ends it.`,
  );
  await using _watch = await watchSources(root, async (changed) => {
    printProgress(`${changed.join(', ')} changed`);
    try {
      const reloaded = await cloud.reload();
      printProgress(reloaded.length > 0 ? `reloaded ${reloaded.join(', ')}` : 'nothing that is deployed changed');
    } catch (error) {
      printError(error);
      printProgress('the last good version goes on answering');
    }
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  await promise;
}

function indent(text: string): string {
  const shown = text.length > 1200 ? `${text.slice(0, 1200)} …` : text;
  return `  ${shown.replaceAll('\n', '\n  ')}`;
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 65_536) return value;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}
