// A function's cold start in the local cloud, and a budget for it that holds on slow and busy machines: its unit is what a
// function that does nothing takes to start here, in the same run.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { GlowplugError } from '../core/errors.ts';
import { isStageName, metricNames, type Stage, type StageName, spent } from '../handler/cold-start.ts';
import type { CloudFunction } from './cloud-function.ts';
import { coldStartsIn } from './cold-starts-in.ts';
import { readSample } from './samples.ts';

export interface ColdStartOptions {
  /** Environments that are started, one after the other; the median of them counts. @default 3 */
  readonly starts?: number;
  /** The first request. @default the sample beside the function */
  readonly request?: { readonly body: Uint8Array<ArrayBuffer> | string; readonly contentType: string };
}

/** At most so many times: `total` as much as the floor, each stage as much as `boot`. */
export type ColdStartBudget = Readonly<Partial<Record<StageName | 'total', number>>>;

export interface ColdStartReport {
  /** From the process's begin to the answer, in ms of this machine. */
  readonly ms: number;
  /** What the same parts would take with all overlapping that can be: boot + the longer of fetch and import + runtime + create + the first runs. */
  readonly floorMs: number;
  readonly stages: readonly Stage[];
  /** What is over the budget, in words; empty when nothing is. @throws GlowplugError CONFIG_INVALID for a stage that there is not */
  over(budget: ColdStartBudget): string[];
  /** Whether nothing is over the budget. */
  meets(budget: ColdStartBudget): boolean;
}

/** @throws GlowplugError CONFIG_INVALID without a request to send or with no start, INTERNAL when the function does not answer it */
export async function measureColdStart(
  root: string,
  fresh: () => CloudFunction,
  { starts = 3, request }: ColdStartOptions = {},
): Promise<ColdStartReport> {
  if (!(Number.isInteger(starts) && starts > 0)) {
    throw new GlowplugError('CONFIG_INVALID', `expected starts to be a whole number from 1 up, got ${starts}`, {
      remedy: 'cloud.coldStart(name, { starts: 3 }), or leave it out.',
    });
  }
  const found: Stage[][] = [];
  for (let start = 0; start < starts; start++) {
    await using started = fresh();
    await started.open(0);
    const answer = await ask(started, request ?? sampleOf(root, started.name));
    if (answer !== undefined) {
      throw new GlowplugError('INTERNAL', `function ${started.name} did not answer its first request: ${answer}`, {
        remedy: `Mend what its log says, or give coldStart another request.\n${started.logs()}`,
      });
    }
    found.push(await stagesOf(started));
  }
  const reports = found.map(report).sort((a, b) => a.ms - b.ms);
  return reports[Math.floor((reports.length - 1) / 2)]!;
}

/** The report of one start, from its stages. */
export function report(stages: readonly Stage[]): ColdStartReport {
  const of = (name: StageName) => spent(stages, name);
  const ms = Math.max(...stages.map(({ to }) => to));
  const boot = of('boot');
  const floorMs =
    boot + Math.max(of('fetch'), of('import') + of('runtime') + sum(stages, 'create')) + sum(stages, 'run');
  const over = (budget: ColdStartBudget) =>
    checked(budget).flatMap(([name, most]) => {
      const total = name === 'total';
      const [got, unit] = total ? [ms, floorMs] : [of(name), boot];
      const ratio = got / unit;
      const than = total ? `the floor, ${floorMs.toFixed(0)} ms` : `boot, ${boot.toFixed(0)} ms`;
      return ratio <= most
        ? []
        : [`${name}: expected at most ${most} × ${than}; got ${ratio.toFixed(2)} ×, ${got.toFixed(0)} ms`];
    });
  return { ms, floorMs, stages, over, meets: (budget) => over(budget).length === 0 };
}

/** Nobody looks at a test's types: a stage that is misspelt would never be over. */
function checked(budget: ColdStartBudget): [StageName | 'total', number][] {
  return Object.entries(budget).map(([name, most]) => {
    if (name !== 'total' && !isStageName(name)) {
      throw new GlowplugError('CONFIG_INVALID', `expected a cold start’s budget to name its stages, got ${name}`, {
        remedy: `Name total, or of the stages ${Object.keys(metricNames).join(', ')}.`,
      });
    }
    if (typeof most === 'number' && most >= 0) return [name, most];
    throw new GlowplugError('CONFIG_INVALID', `expected the budget of ${name} to be from 0 up, got ${most}`, {
      remedy: 'Write how many times: { total: 2, import: 1 }.',
    });
  });
}

function sum(stages: readonly Stage[], name: StageName): number {
  return stages.reduce((total, { stage, from, to }) => total + (stage === name ? to - from : 0), 0);
}

function sampleOf(root: string, name: string): NonNullable<ColdStartOptions['request']> {
  const sample = readSample(join(root, 'functions', name), name);
  if (sample) return sample;
  throw new GlowplugError('CONFIG_INVALID', `expected functions/${name}/request.*, or a request; got neither`, {
    remedy: `cloud.coldStart('${name}', { request: { body, contentType } }).`,
  });
}

/** Undefined when it was answered well. */
async function ask(
  started: CloudFunction,
  { body, contentType }: NonNullable<ColdStartOptions['request']>,
): Promise<string | undefined> {
  if (!started.url) {
    await started.invoke(JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString()));
    return undefined;
  }
  const response = await started.fetch('/', { method: 'POST', headers: { 'content-type': contentType }, body });
  const text = await response.text();
  return response.ok ? undefined : `${response.status} ${text.slice(0, 300)}`;
}

/** Its line was written before its answer, but comes another way. */
async function stagesOf(started: CloudFunction): Promise<Stage[]> {
  const until = performance.now() + 5000;
  for (;;) {
    const [stages] = coldStartsIn(started.logs());
    if (stages) return stages;
    if (performance.now() > until) {
      throw new GlowplugError('INTERNAL', `expected function ${started.name} to tell of its cold start, it did not`, {
        remedy: 'Let its handler be one that inference() made.',
      });
    }
    await setImmediate();
  }
}
