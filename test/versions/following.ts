// A function over a folder store in which a test moves channels, with a clock of the test's own.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock.ts';
import type { Contract } from '../../src/core/contract.ts';
import type { Fields, Log } from '../../src/core/log.ts';
import { noLog } from '../../src/core/log.ts';
import { createContext } from '../../src/handler/context.ts';
import { defineFunction } from '../../src/handler/define.ts';
import { Environment } from '../../src/handler/environment.ts';
import { json } from '../../src/handler/input.ts';
import type { Model } from '../../src/handler/model.ts';
import type { ModelUse } from '../../src/handler/model-use.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { publish } from '../../src/models/publish.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import type { BuiltVersion, LockedVersion } from '../../src/models/version.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { SessionFactory } from '../../src/session/session.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { temporaryFolder } from '../models/temporary.ts';

export interface Answer {
  readonly status: number;
  /** What the model added, told by its output and by its file. */
  readonly added: number;
  readonly said: number;
  /** x-glowplug-model. */
  readonly version: string;
}

export type Predict = (model: Model, run: () => Promise<number>) => Promise<{ added: number; said: number }>;

export async function following(options: {
  use: ModelUse;
  /** Reference → what the lock file pins; published and tagged so. */
  start: Readonly<Record<string, BuiltVersion>>;
  memoryMb?: number;
  trustedKeys?: string;
  onLambda?: boolean;
  createSession?: SessionFactory;
  predict?: Predict;
  warm?: (model: Model) => Promise<void>;
}) {
  const folder = await temporaryFolder();
  const store = folderStore(join(folder.path, 'store'));
  for (const [reference, built] of Object.entries(options.start)) await move(reference, built);
  const lockFile = join(folder.path, 'models.lock.json');
  const locked = Object.entries(options.start).map(([reference, built]) => [reference, built.locked] as const);
  await writeFile(lockFile, serializeLock({ lockVersion: 1, models: Object.fromEntries(locked) }));

  let now = 0;
  const clock: Clock = { now: () => now, sleep: async () => {} };
  const lines: { level: string; message: string; fields: Fields }[] = [];
  const write =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      void lines.push({ level, message, fields });
  const log: Log = { info: write('info'), warn: write('warn'), error: write('error') };
  const contract: Contract = {
    store: join(folder.path, 'store'),
    lockFile,
    cacheDir: join(folder.path, 'cache'),
    cacheBytes: undefined,
    modelsDir: undefined,
    stage: 'test',
    trustedKeys: options.trustedKeys,
    streams: false,
    workers: undefined,
    onLambda: options.onLambda ?? true,
    modelsMb: undefined,
    memoryMb: options.memoryMb ?? 1024,
    region: 'us-east-1',
    s3Endpoint: undefined,
    credentials: undefined,
    apiKeys: [],
    capture: undefined,
    results: undefined,
    largeBodies: undefined,
    queue: undefined,
    resultQueue: undefined,
    sagemakerPort: undefined,
  };
  const predict: Predict =
    options.predict ??
    (async (model, run) => ({
      added: await run(),
      said: Number(await model.text('adds.txt')),
    }));
  let started = start();

  return {
    store,
    lines,
    cacheDir: contract.cacheDir,
    get environment() {
      return started.environment;
    },
    warm: () => started.warm(),
    /** Seconds go by. */
    wait(seconds: number) {
      now += seconds * 1000;
    },
    move,
    /** A new environment, as the host gives one: nothing of the old one is left. */
    async recycle() {
      await started.environment[Symbol.asyncDispose]();
      started = start();
    },
    async ask(headers: Record<string, string> = {}, requestId?: string): Promise<Answer> {
      const request = new Request('https://f.example/', { method: 'POST', body: '{}', headers });
      const response = await started.fetch(request, createContext({ log: noLog, ...(requestId ? { requestId } : {}) }));
      const body = (await response.json()) as { added: number; said: number };
      return { status: response.status, ...body, version: response.headers.get('x-glowplug-model') ?? '' };
    },
    /** By the Open Inference Protocol. */
    async infer(): Promise<unknown> {
      const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [0, 0] }];
      const init = { method: 'POST', body: JSON.stringify({ inputs }) };
      const request = new Request('https://f.example/v2/models/adder/infer', init);
      return await (await started.fetch(request, createContext({ log: noLog }))).json();
    },
    async [Symbol.asyncDispose]() {
      await started.environment[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };

  /** Publishes what is not there yet, and lets the channel name it. */
  async function move(reference: string, built: BuiltVersion): Promise<LockedVersion> {
    await publish(store, built);
    const [model = '', to = ''] = reference.split(':');
    await tag(store, model, { from: built.locked.version, to });
    return built.locked;
  }

  function start() {
    const environment = new Environment(
      contract,
      { create: options.createSession ?? createOrtSession },
      { clock, log },
    );
    const x = tensor('FP32', [1, 2], Float32Array.of(0, 0));
    const { fetch, warm } = defineFunction(
      {
        models: { m: options.use },
        oip: true,
        input: json(anything),
        warm: async ({ m }) => await options.warm?.(m),
        predict: async (_input, { m }) =>
          await predict(m, async () => {
            const { y } = await m.run({ x });
            return y?.datatype === 'FP32' ? y.data[0]! : Number.NaN;
          }),
      },
      () => environment,
    );
    return { environment, fetch, warm };
  }
}

/** A schema that takes everything. */
const anything = {
  '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) },
};

/** Other work gets its turns until `done`; rejects when it is not after many. */
export async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (await done()) return;
    await new Promise(setImmediate);
  }
  throw new Error('it never came');
}
