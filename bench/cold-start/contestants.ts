// Cold starts of a function in the local cloud's own environment: AWS's runtime client, the layer, an empty /tmp.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildOnnxruntimeLayer, bundleFunction } from 'glowplug/build';
import { Environment } from '../../src/testing/runtime/environment.ts';
import { FunctionLog } from '../../src/testing/runtime/function-log.ts';
import type { FunctionSpec } from '../../src/testing/runtime/function-spec.ts';
import { locateClient } from '../../src/testing/runtime/locate-client.ts';
import { Reaper } from '../../src/testing/runtime/reaper.ts';

export interface Start {
  /** From spawning the process to the last byte of the first answer. */
  readonly ms: number;
  readonly peakMb: number;
  readonly answer: string;
  readonly log: string;
}

export interface Contestant {
  readonly name: string;
  start(models: readonly { name: string; shape: readonly number[] }[]): Promise<Start>;
}

/** One vCPU on Lambda; the machine's cores are not limited here, and onnxruntime of glowplug takes one thread. */
const memoryMb = 1769;

export class Cloud implements Disposable {
  readonly layer: string;
  readonly #folder: string;
  readonly #s3Endpoint: string;
  readonly #root: string;
  readonly #reaper: Reaper;
  #count = 0;

  /** `folder` must not lie under a node_modules: on Lambda only the layer has onnxruntime. */
  constructor(root: string, folder: string, s3Endpoint: string) {
    this.#root = root;
    this.#folder = folder;
    this.#s3Endpoint = s3Endpoint;
    this.#reaper = Reaper.start({ folder: join(folder, 'cloud'), remove: false });
    const built = buildOnnxruntimeLayer({ arch: process.arch === 'arm64' ? 'arm64' : 'x86_64', root });
    this.layer = join(folder, 'layer');
    cpSync(built.path, this.layer, { recursive: true });
  }

  contestant(name: string, lock: string, references: readonly string[]): Contestant {
    const { path } = bundleFunction({
      entry: join(import.meta.dirname, 'functions', `${name}.ts`),
      outDir: join(this.#folder, 'functions', `${name}-${this.#count++}`),
      root: this.#root,
      lock,
      references,
    });
    return {
      name,
      start: async (models) => {
        try {
          return await this.#start(name, path, models);
        } catch (error) {
          // Seen once in 1,000 starts, of naive: told, and started again.
          if (!(error instanceof Error) || !error.message.includes('Sandbox.Timedout')) throw error;
          console.error(`${error.message.split('\n')[0]}: started again`);
          return await this.#start(name, path, models);
        }
      },
    };
  }

  async #start(name: string, codeFolder: string, models: readonly unknown[]): Promise<Start> {
    const spec: FunctionSpec = {
      name,
      functionName: name,
      handler: name === 'glowplug' ? 'init.handler' : 'index.handler',
      runtime: 'nodejs24.x',
      codeFolder,
      layers: [this.layer],
      memoryMb,
      timeoutMs: 20_000,
      environment: { GLOWPLUG_STORE: 's3://models', BENCH_MODELS: JSON.stringify(models) },
      log: { format: 'JSON' },
    };
    const where = {
      region: 'eu-west-1',
      account: '000000000000',
      credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'secret' },
      s3Endpoint: this.#s3Endpoint,
    };
    const log = new FunctionLog();
    const folder = join(this.#folder, 'environments', `${this.#count++}`);
    mkdirSync(folder, { recursive: true });
    const client = locateClient(join(this.#folder, 'cloud'));
    const environment = new Environment({ spec, where, folder, client, reaper: this.#reaper, log });
    const started = performance.now();
    try {
      await environment.init();
      const { outcome, free } = await environment.invoke({ payload: Buffer.from('{}') });
      const ms = performance.now() - started;
      await free;
      const answer = 'payload' in outcome ? Buffer.from(outcome.payload).toString() : outcome.kind;
      if (outcome.kind !== 'response' || answer.includes('error')) throw new Error(`${name}: ${answer}\n${log.text}`);
      const peak = /Max Memory Used: (\d+) MB|"maxMemoryUsedMB":(\d+)/.exec(log.text);
      return { ms, peakMb: Number(peak?.[1] ?? peak?.[2]), answer, log: log.text };
    } finally {
      await environment.end();
    }
  }

  [Symbol.dispose](): void {
    this.#reaper[Symbol.dispose]();
  }
}
