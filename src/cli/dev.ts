// glowplug dev: the app in the local cloud, each function's sample answered, and hot reload until Ctrl-C.
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import type { LocalCloud } from '../testing/local-cloud.ts';
import { readSamples } from '../testing/samples.ts';
import { answerSample, printAnswer, type SampleAnswer } from './answer-sample.ts';
import { cloudFolder } from './cloud-folder.ts';
import { foldersWithoutFunction } from './function-names.ts';
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
    if (!cloud.functions.includes(sample.name)) {
      printProgress(`${sample.name}: has a sample, but the CDK app deploys no such function that runs here`);
      continue;
    }
    const answer = await answerSample(cloud, sample, root);
    answers.push(answer);
    if (!options.json) printAnswer(answer);
  }
  for (const name of await foldersWithoutFunction(root)) {
    if (!cloud.functions.includes(name)) printProgress(`functions/${name}: no function, it holds no function.ts`);
  }
  if (options.json) printJson(answers);
  else printOthers(cloud, answers);
  if (answers.some(({ problem }) => problem !== undefined)) process.exitCode = exitCodes.failed;
  if (options.once) return;

  up = true;
  await rememberRunningCloud(root, cloud);
  try {
    if (options.inspect) {
      printLine(`Attach a debugger to ${pc.bold(options.inspect)} at ${pc.cyan(`127.0.0.1:${options.inspectPort}`)}.`);
    }
    await serve(cloud, root, options.inspect);
  } finally {
    await forgetRunningCloud(root);
  }
}

/** What no sample was sent to. A function without a URL is a job: nobody asks it. */
function printOthers(cloud: LocalCloud, answers: readonly SampleAnswer[]): void {
  for (const name of cloud.functions) {
    const { url } = cloud.function(name);
    if (url === '' || answers.some((answer) => answer.name === name)) continue;
    printLine(`\n${pc.dim('·')} ${pc.bold(name)}  ${pc.cyan(url)}  no sample to ask it with`);
    printLine(pc.dim(`  put a request.json into functions/${name}, or: glowplug invoke ${name} --data @file`));
  }
  if (cloud.queues.length > 0) printLine();
  for (const { url } of cloud.queues) printLine(`${pc.dim('·')} queue  ${pc.cyan(url)}`);
}

async function serve(cloud: LocalCloud, root: string, inspected: string | undefined): Promise<void> {
  await using _watch = await watchSources(root, async (changed) => {
    printProgress(`${changed.join(', ')} changed`);
    let reloaded: string[];
    try {
      reloaded = await cloud.reload();
    } catch (error) {
      printError(error);
      printProgress('the last good version goes on answering');
      return;
    }
    printProgress(reloaded.length > 0 ? `reloaded ${reloaded.join(', ')}` : 'nothing that is deployed changed');
    // A debugger may hold its answer back.
    await askAgain(cloud, root, (name) => reloaded.includes(name) && name !== inspected).catch(printError);
  });
  printLine(
    `\n${pc.bold('The local cloud is up:')} ${pc.cyan(cloud.page)}\nAWS APIs at ${pc.cyan(cloud.endpoint)}; it reloads when you save; Ctrl-C ends it.`,
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  await promise;
}

/** What is wrong with the new code is said when it is saved, not at the next request. */
async function askAgain(cloud: LocalCloud, root: string, chosen: (name: string) => boolean): Promise<void> {
  for (const sample of readSamples(root)) {
    if (chosen(sample.name) && cloud.functions.includes(sample.name))
      printAnswer(await answerSample(cloud, sample, root));
  }
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 65_536) return value;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}
