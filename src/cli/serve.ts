// glowplug serve: models and functions over HTTP, supervised, until a signal ends it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Contract, readContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { type Provider, providers } from '../core/provider.ts';
import { readKeys } from '../server/api-keys.ts';
import { readLockedModels } from '../server/locked-models.ts';
import { prepare } from '../server/prepare.ts';
import type { ServeSpec } from '../server/serving-messages.ts';
import { supervise } from '../server/supervisor.ts';
import { command, exitCodes, printLine, printProgress } from './print.ts';
import { describeServing, samplesOf, servingOf } from './serving-summary.ts';
import { whole } from './whole.ts';

interface Options {
  readonly model?: string[];
  readonly store?: string;
  readonly host?: string;
  readonly port?: number;
  readonly grpcPort?: number;
  readonly sagemaker?: boolean;
  readonly apiKeys?: string;
  readonly cors?: string[];
  readonly maxBody?: number;
  readonly timeout?: number;
  readonly provider?: Readonly<Record<string, Provider | 'auto'>>;
  readonly batch?: number;
  readonly runs?: number;
  readonly onDemand?: boolean;
  readonly memory?: number;
  readonly modelControl?: boolean;
  readonly drain: number;
  readonly runLimit: number;
  readonly json?: boolean;
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** npx passes a Ctrl-C on to a process that had it from the terminal already: within this time it is not a second one. */
const SAME_SIGNAL_MS = 300;

/** What is said of models without code. */
const ofCodeless = ['batch', 'onDemand', 'modelControl'] as const;

export function serveCommand(): Command {
  return new Command('serve')
    .description(
      'Serve ONNX files, models of a store, or functions over HTTP and gRPC: the Open Inference Protocol, health, metrics.',
    )
    .argument(
      '[targets...]',
      '.onnx files, folders of functions, or built bundles (default: every function of the project)',
    )
    .option('--model <reference>', 'a model of the store, such as iris:prod; again for more', several)
    .option('--store <store>', 's3://bucket[/prefix] or a folder (default: GLOWPLUG_STORE)')
    .option('--host <host>', 'address to listen on; 0.0.0.0 is all (default: 127.0.0.1; 0.0.0.0 on SageMaker)')
    .option(
      '--port <port>',
      'port to listen on, 0 takes a free one (default: 8000; 8080 on SageMaker)',
      whole(0, 65_535),
    )
    .option(
      '--grpc-port <port>',
      'answer the protocol over gRPC too, on this port; 0 takes a free one',
      whole(0, 65_535),
    )
    .option('--sagemaker', 'answer /ping and /invocations too; by itself where SAGEMAKER_BIND_TO_PORT is set')
    .option('--api-keys <file>', 'ask clients for a key of this file, one a line (or set GLOWPLUG_API_KEYS)')
    .option('--cors <origin>', 'let pages of this origin read the answers, * is all; again for more', origin)
    .option('--max-body <mb>', 'largest body of a request, in MB (default: 100)', whole(1))
    .option('--timeout <seconds>', 'longest time to an answer (default: 60)', whole(1))
    .option(
      '--run-limit <seconds>',
      'a run of a model that takes longer is stuck, and the process is replaced; so is one that a function’s own code keeps busy for 30 s',
      whole(1),
      60,
    )
    .option(
      '--batch <ms>',
      'let requests of models without code share runs, of a size that answers 95 of 100 within so many ms',
      whole(1),
    )
    .option(
      '--runs <count>',
      'with --batch: runs of a model at once, each with its part of the threads; glowplug bench batch says how many pay (default: 1)',
      whole(1, 64),
    )
    .option(
      '--provider <name>',
      'where models run: auto (TensorRT, CUDA or the CPU, by what loads), cpu, cuda, tensorrt, webgpu; rec=cuda is for one model; again for more',
      provider,
    )
    .option('--on-demand', 'open a model without code at its first request, not before the first')
    .option('--memory <mb>', 'that open models may take; those used longest ago are closed first', whole(1))
    .option(
      '--model-control',
      'let clients load and unload models without code: POST /v2/repository/models/{model}/load',
    )
    .option(
      '--drain <seconds>',
      'time for accepted requests after SIGTERM or Ctrl-C; a second one ends at once',
      whole(0),
      25,
    )
    .option('--json', 'print one line of JSON each time it is ready: { url, grpc, pid, functions, models }')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug serve model.onnx\n  glowplug serve functions/ocr --port 8080 --host 0.0.0.0\n  glowplug serve --store s3://models --model iris:prod --model rec:1.4.0\n  glowplug serve models/*.onnx --on-demand --memory 2000 --model-control\n  glowplug serve model.onnx --grpc-port 8001 --batch 50\n  glowplug serve model.onnx --api-keys keys.txt --cors https://app.example\n\nExit codes: 0 drained after a signal, 1 it cannot be served, 2 usage.',
    )
    .action(command(serve));
}

async function serve(targets: string[], options: Options, it: Command): Promise<void> {
  if (options.runs !== undefined && options.batch === undefined) {
    it.error('error: expected --batch with --runs', { exitCode: exitCodes.usage });
  }
  const codeless = options.model !== undefined || targets.some((target) => target.endsWith('.onnx'));
  const unused = ofCodeless.find((name) => !codeless && options[name] !== undefined);
  if (unused) {
    const flag = it.options.find((option) => option.attributeName() === unused)?.long;
    it.error(`error: expected an .onnx file or --model with ${flag}: a function’s models are its own matter`, {
      exitCode: exitCodes.usage,
    });
  }
  const [ended, cut] = [new AbortController(), new AbortController()];
  let since = 0;
  const end = (signal: (typeof signals)[number]) => {
    if (!ended.signal.aborted) {
      since = performance.now();
      ended.abort();
    } else if (signal !== 'SIGHUP' && performance.now() - since > SAME_SIGNAL_MS) cut.abort();
  };
  for (const signal of signals) process.on(signal, end);
  process.once('SIGHUP', () => process.stderr.on('error', () => {}));
  const contract = { ...readContract(), ...(options.store === undefined ? {} : { store: options.store }) };
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-serve-'));
  try {
    const { batch: p95, runs } = options;
    const batch = p95 === undefined ? undefined : { objective: { p95 }, ...(runs === undefined ? {} : { runs }) };
    const { model: models = [], onDemand, modelControl: control } = options;
    const prepared = await prepare({ targets, models, batch, onDemand, control }, contract, folder);
    await mustHave(Object.keys(options.provider ?? {}), prepared.units);
    await supervise(await specOf(options, contract, prepared.units), {
      signal: ended.signal,
      cut: cut.signal,
      onEvent: printProgress,
      onReady(ready) {
        const serving = servingOf(prepared, options.host ?? '127.0.0.1', ready);
        if (options.json) printLine(JSON.stringify(serving));
        else for (const line of describeServing(serving, samplesOf(prepared))) printLine(line);
      },
    });
  } finally {
    for (const signal of signals) process.off(signal, end);
    await rm(folder, { recursive: true, force: true });
  }
}

async function specOf(options: Options, contract: Contract, units: ServeSpec['units']): Promise<ServeSpec> {
  const sagemaker = options.sagemaker ?? contract.sagemakerPort !== undefined;
  const keys = options.apiKeys === undefined ? contract.apiKeys : await readKeys(options.apiKeys);
  return {
    units,
    store: options.store,
    host: options.host ?? (sagemaker ? '0.0.0.0' : '127.0.0.1'),
    port: options.port ?? (sagemaker ? (contract.sagemakerPort ?? 8080) : 8000),
    grpcPort: options.grpcPort,
    sagemaker,
    apiKeys: keys,
    cors: options.cors ?? [],
    limits: {
      ...(options.maxBody === undefined ? {} : { bodyBytes: options.maxBody * 1024 * 1024 }),
      ...(options.timeout === undefined ? {} : { answerMs: options.timeout * 1000 }),
    },
    providers: options.provider ?? {},
    modelsMb: options.memory,
    drainMs: options.drain * 1000,
    runLimitMs: options.runLimit * 1000,
  };
}

/** `cuda`, or `rec=cuda`. */
function provider(value: string, before: Options['provider']): Options['provider'] {
  const at = value.lastIndexOf('=');
  const name = value.slice(at + 1);
  const found = (['auto', ...providers] as const).find((one) => one === name);
  if (found) return { ...before, [at < 0 ? '*' : value.slice(0, at)]: found };
  throw new InvalidArgumentError(`Expected auto, ${providers.join(', ')}.`);
}

/** Models that --provider names. @throws GlowplugError CONFIG_INVALID for one that is not served */
async function mustHave(named: readonly string[], units: ServeSpec['units']): Promise<void> {
  const names = new Set((await readLockedModels(units)).values());
  const unknown = named.find((name) => name !== '*' && !names.has(name));
  if (unknown === undefined) return;
  const all = names.size > 0 ? [...names].join(', ') : 'none by name';
  throw new GlowplugError('CONFIG_INVALID', `expected --provider of a model that is served, got ${unknown}`, {
    remedy: `Models here: ${all}.`,
  });
}

/** Compared with what a browser sends letter by letter: what is no origin never matches. */
function origin(value: string, before?: string[]): string[] {
  const { protocol, host } = URL.canParse(value) ? new URL(value) : { protocol: '', host: '' };
  if (value === '*' || value === 'null' || (host !== '' && value === `${protocol}//${host}`))
    return several(value, before);
  throw new InvalidArgumentError(
    'Expected * or an origin as browsers send it, without a path, such as https://app.example.',
  );
}

function several(value: string, before: string[] = []): string[] {
  return [...before, value];
}
