// glowplug transform: every object of a folder or bucket through a function, with as many at once as it takes.
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, sep } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { contentTypeOf } from '../core/content-type.ts';
import { readContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { prepare } from '../server/prepare.ts';
import type { ServeSpec } from '../server/serving-messages.ts';
import { supervise } from '../server/supervisor.ts';
import { failures, results } from '../transform/outcome.ts';
import { type Manifest, type Progress, transform } from '../transform/transform.ts';
import { chosenStore } from './chosen-store.ts';
import { command, exitCodes, printJson, printLine, printProgress } from './print.ts';
import { local } from './running-cloud.ts';
import { agreed } from './transform-forecast.ts';

interface Options {
  readonly function?: string;
  readonly model?: string;
  readonly store?: string;
  readonly url?: string;
  readonly concurrency: number;
  readonly ms?: number;
  readonly memory: number;
  readonly yes?: boolean;
  readonly contentType?: string;
  readonly retryFailed?: boolean;
  readonly json?: boolean;
}

export function transformCommand(): Command {
  return new Command('transform')
    .description(
      'Send every object of a folder or bucket to a function, and write each answer; what is there already is not done again.',
    )
    .argument('<from>', 's3://bucket[/prefix] or a folder')
    .argument('<to>', 's3://bucket[/prefix] or a folder: results/, failures/, manifest.json')
    .option('--function <folder>', 'the function, such as functions/ocr: served here meanwhile')
    .option('--model <reference>', 'or a model of the store: the objects are requests of the Open Inference Protocol')
    .option('--store <store>', 'where the models of --function and --model are (default: GLOWPLUG_STORE)')
    .option('--url <url>', 'or whatever answers already')
    .option('--concurrency <requests>', 'requests at once', whole, 16)
    .option('--ms <ms>', 'how long a request takes, for the cost (default: measured on the first three)', milliseconds)
    .option('--memory <mb>', 'MB of the function on Lambda, for the cost', whole, 1769)
    .option('--yes', 'send them without asking; nobody is asked outside a terminal')
    .option('--content-type <type>', 'of every object (default: by the ending of its name)')
    .option('--retry-failed', 'ask again for what failed in an earlier run')
    .option('--json', 'print the manifest as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug transform invoices/ lines/ --function functions/ocr\n  glowplug transform s3://scans/2026/ s3://texts/2026/ --function functions/ocr --concurrency 64\n  glowplug transform requests/ answers/ --model iris:prod --store s3://models --ms 40 --yes\n\nExit codes: 0 every object has a result, 1 some failed or it ended early, 2 usage.',
    )
    .action(command(run));
}

async function run(fromName: string, toName: string, options: Options, it: Command): Promise<void> {
  if ([options.function, options.model, options.url].filter((each) => each !== undefined).length !== 1) {
    it.error('error: expected one of --function, --model and --url', { exitCode: exitCodes.usage });
  }
  const [from, to] = [await chosenStore({ store: fromName }, 'from'), await chosenStore({ store: toName }, 'to')];
  if (fromName !== local && !fromName.startsWith('s3://')) mustBeFolder(fromName);
  mustBeApart(from.name, to.name);
  const ended = new AbortController();
  const end = () => ended.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
  await using served = await serving(options);
  const tell = progressLine();
  const manifest = await transform({
    from,
    to,
    concurrency: options.concurrency,
    retryFailed: options.retryFailed === true,
    signal: ended.signal,
    before: (ahead) => agreed(ahead, options),
    onProgress: tell,
    send: (key, body, signal) =>
      fetch(served.url, {
        method: 'POST',
        headers: { 'content-type': options.contentType ?? contentTypeOf(extname(key)) },
        body: new Uint8Array(body),
        ...(signal ? { signal } : {}),
      }),
  });
  if (options.json) printJson(manifest);
  else if (manifest.total === 0) printLine(`${pc.yellow('·')} no objects in ${from.name}: nothing was sent`);
  else show(manifest, to.name);
  if (manifest.skipped + manifest.done < manifest.total) process.exitCode = exitCodes.failed;
}

function mustBeFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  throw new GlowplugError('CONFIG_INVALID', `expected a folder at ${path}, found ${found ? 'a file' : 'nothing'}`, {
    remedy: 'Give the path of a folder that is there, or s3://bucket[/prefix].',
  });
}

/** What is written into the source would be sent by the next run. */
function mustBeApart(from: string, to: string): void {
  const slashed = (place: string) => `${place.replaceAll(sep, '/')}/`;
  if (!['', results, failures].some((part) => `${slashed(to)}${part}`.startsWith(slashed(from)))) return;
  throw new GlowplugError('CONFIG_INVALID', `expected results to be written outside of ${from}, got ${to}`, {
    remedy: 'Give <to> a folder or a prefix of its own: what lies below <from> is sent by the next run.',
  });
}

/** Sessions in threads of a process of its own: requests that are there at once meet in a model's batches. */
async function serving({ function: folder, model, store, url }: Options): Promise<{ url: string } & AsyncDisposable> {
  if (url !== undefined) return { url, async [Symbol.asyncDispose]() {} };
  const stop = new AbortController();
  const contract = { ...readContract(), ...(store === undefined ? {} : { store }) };
  const temporary = await mkdtemp(join(tmpdir(), 'glowplug-transform-'));
  const targets = folder === undefined ? [] : [folder];
  await using opening = new AsyncDisposableStack();
  opening.defer(() => rm(temporary, { recursive: true, force: true }));
  const { promise: ready, resolve, reject } = Promise.withResolvers<number>();
  const { units } = await prepare({ targets, models: model === undefined ? [] : [model] }, contract, temporary);
  const over = supervise(specOf(units, store), {
    signal: stop.signal,
    onEvent: printProgress,
    onReady: ({ port }) => resolve(port),
  });
  over.catch(reject);
  opening.defer(async () => {
    stop.abort();
    await over.catch(() => {});
  });
  const path = model === undefined ? '' : `v2/models/${encodeURIComponent(model.split(/[:@]/)[0] ?? '')}/infer`;
  const port = await ready;
  const opened = opening.move();
  return { url: `http://127.0.0.1:${port}/${path}`, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function specOf(units: ServeSpec['units'], store: string | undefined): ServeSpec {
  return {
    units,
    store,
    host: '127.0.0.1',
    port: 0,
    grpcPort: undefined,
    sagemaker: false,
    apiKeys: [],
    cors: [],
    limits: { answerMs: 5 * 60_000 },
    providers: {},
    modelsMb: undefined,
    drainMs: 25_000,
    runLimitMs: 60_000,
  };
}

/** A terminal has one line that changes; a log one every ten seconds. */
function progressLine(): (progress: Progress) => void {
  const began = performance.now();
  let shown = began;
  let over = false;
  /** Failed in an earlier run: they took no time of this one. */
  let before: number | undefined;
  return ({ total, skipped, done, failed }) => {
    const now = performance.now();
    before ??= failed;
    if (over) return;
    const all = skipped + done + failed === total;
    over = all;
    if (!all && now - shown < (process.stderr.isTTY ? 200 : 10_000)) return;
    shown = now;
    const rate = (done + failed - before) / ((now - began) / 1000);
    const left = Math.ceil((total - skipped - done - failed) / rate);
    const speed = rate > 0 ? `, ${rate.toFixed(1)} a second, ${left} s left` : '';
    const line = `${skipped + done} of ${total} answered, ${failed} failed${speed}`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${pc.dim('·')} ${line}${all ? '\n' : ''}` : `· ${line}\n`);
  };
}

function show({ total, skipped, done, failed, models, failures: told }: Manifest, to: string): void {
  const unsent = total - done - skipped - failed;
  const mark = failed + unsent === 0 ? pc.green('✓') : pc.red('✗');
  const rest = unsent > 0 ? `, ${unsent} not sent` : '';
  printLine(`${mark} ${total} objects: ${done} answered, ${skipped} had been, ${failed} failed${rest}  ${pc.dim(to)}`);
  for (const model of models) printLine(pc.dim(`  by ${model}`));
  for (const { key, status, error } of told.slice(0, 5)) printLine(`  ${key}  ${status}  ${error.slice(0, 120)}`);
  if (told.length > 5) printLine(pc.dim(`  and ${told.length - 5} more under failures/`));
  if (failed > 0) printLine(pc.dim('  --retry-failed asks for what failed again'));
}

function milliseconds(text: string): number {
  if (Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('Expected milliseconds above 0.');
}

function whole(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 to 9,999.');
}
