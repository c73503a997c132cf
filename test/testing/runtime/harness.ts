// A fleet with small handlers written to a temporary folder; no CDK, no network.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Invocation, Outcome } from '../../../src/testing/invocation.ts';
import { Fleet, type FleetOptions } from '../../../src/testing/runtime/fleet.ts';
import type { FunctionSpec } from '../../../src/testing/runtime/function-spec.ts';
import type { LocalFunction } from '../../../src/testing/runtime/local-function.ts';
import { Reaper } from '../../../src/testing/runtime/reaper.ts';

export interface Answer<T> {
  readonly outcome: Outcome;
  /** The payload, parsed; undefined where there is none. */
  readonly value: T | undefined;
  readonly logTail: string;
}

export interface Harness extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly folder: string;
  /** A function with these files; `index.mjs` is the handler's unless the spec says otherwise. */
  add(files: string | Record<string, string>, spec?: Partial<FunctionSpec>): TestFunction;
}

export interface TestFunction {
  readonly local: LocalFunction;
  call<T = unknown>(event?: unknown, extra?: Partial<Omit<Invocation, 'payload'>>): Promise<Answer<T>>;
  /** What the handler returned; throws with the error's payload. */
  value<T = unknown>(event?: unknown): Promise<T>;
}

export const where = {
  region: 'eu-west-1',
  account: '000000000000',
  credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'secret' },
  s3Endpoint: 'http://127.0.0.1:1',
};

export function harness(options: Partial<FleetOptions> = {}): Harness {
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-test-'));
  const reaper = Reaper.start({ folder: join(folder, 'cloud'), remove: true });
  const fleet = new Fleet({ folder: join(folder, 'cloud'), reaper, where, ...options });
  let count = 0;
  return {
    fleet,
    folder,
    add(files, spec = {}) {
      const name = spec.name ?? `fn${++count}`;
      const codeFolder = join(folder, name);
      writeFiles(codeFolder, typeof files === 'string' ? { 'index.mjs': files } : files);
      const local = fleet.add({ ...defaults, name, functionName: name, codeFolder, ...spec });
      return testFunction(local);
    },
    async [Symbol.asyncDispose]() {
      await fleet[Symbol.asyncDispose]();
      reaper[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const defaults = {
  handler: 'index.handler',
  runtime: 'nodejs24.x',
  layers: [],
  memoryMb: 256,
  timeoutMs: 10_000,
  environment: {},
  log: { format: 'Text' },
} as const;

function testFunction(local: LocalFunction): TestFunction {
  async function call<T>(event: unknown = {}, extra = {}): Promise<Answer<T>> {
    const outcome = await local.invoke({ payload: Buffer.from(JSON.stringify(event)), ...extra });
    if (!('payload' in outcome)) return { outcome, value: undefined, logTail: '' };
    const value: T = JSON.parse(Buffer.from(outcome.payload).toString());
    return { outcome, value, logTail: outcome.logTail };
  }
  async function value<T>(event?: unknown): Promise<T> {
    const answer = await call<T>(event);
    if (answer.outcome.kind !== 'response' || answer.value === undefined) {
      throw new Error(`${answer.outcome.kind}: ${JSON.stringify(answer.value)}`);
    }
    return answer.value;
  }
  return { local, call, value };
}

/** False for one that has ended and that nobody has collected yet, too. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
