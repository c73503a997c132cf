// What a cold start takes for each variant: its session made over mapped weights as a function makes it, and its first runs. A
// fresh process each time: what a process has done once is done.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { weightsFile } from '../../models/version.ts';
import { splitWeights } from '../../onnx/split-weights.ts';
import type { Tensors } from '../../tensor/tensor.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { AskedProcess } from './asked-process.ts';

/** A start is counted with so many runs: a variant that loads sooner and runs slower is not won by its load alone. */
export const RUNS_OF_A_START = 10;

/** Processor time, which is what Lambda bills one vCPU by, and which other processes of this machine disturb least. */
export interface Start {
  /** Milliseconds until the session was there; onnxruntime is loaded before. */
  readonly loadMs: number;
  /** Milliseconds with the first ten runs. */
  readonly ms: number;
  /** `ms` of each round, of which `ms` is the middle. */
  readonly rounds: readonly number[];
  /** Bytes of the process at its largest. */
  readonly peakBytes: number;
}

export interface StartOptions {
  readonly variants: readonly {
    readonly path: string;
    /** Its graph was optimised beforehand. */
    readonly optimized: boolean;
  }[];
  readonly feeds: Tensors;
  readonly rounds: number;
  readonly onProgress?: (what: string) => void;
}

/** One thread, variants in turn. Order: as `variants`. @throws GlowplugError SESSION_FAILED */
export async function measureStarts({ variants, feeds, rounds, onProgress }: StartOptions): Promise<Start[]> {
  using folder = temporaryFolder('starts');
  const published = variants.map(({ path, optimized }, at) => ({
    ...asPublished(readFileSync(path), join(folder.path, `${at}`)),
    optimized,
  }));
  const taken: Taken[][] = variants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    onProgress?.(`cold start ${round + 1} of ${rounds}`);
    for (const [at, one] of published.entries()) taken[at]!.push(await startOnce(one, feeds));
  }
  return taken.map(startOf);
}

interface Published {
  readonly path: string;
  readonly mapped: boolean;
  readonly optimized: boolean;
}

interface Taken {
  readonly loadMs: number;
  readonly ms: number;
  readonly peakBytes: number;
}

/** As buildVersion lays it: weights apart where they are worth it. */
function asPublished(bytes: Uint8Array, folder: string): Omit<Published, 'optimized'> {
  mkdirSync(folder);
  const split = splitWeights(bytes, weightsFile);
  const path = join(folder, 'model.onnx');
  writeFileSync(path, split?.graph ?? bytes);
  if (split) writeFileSync(join(folder, weightsFile), split.weights);
  return { path, mapped: split !== undefined };
}

async function startOnce({ path, ...cold }: Published, feeds: Tensors): Promise<Taken> {
  const asked = new AskedProcess();
  // Before its folder goes: it would make it anew.
  const end = () => void asked.end();
  process.prependOnceListener('exit', end);
  try {
    const { cpuMs: loadMs } = await asked.ask({ kind: 'open', path, threads: 1, cold }, 'opened');
    const { cpuMs } = await asked.ask({ kind: 'run', feeds, count: RUNS_OF_A_START }, 'ran');
    const { bytes: peakBytes } = await asked.ask({ kind: 'memory' }, 'peak');
    return { loadMs, ms: loadMs + cpuMs, peakBytes };
  } finally {
    process.off('exit', end);
    await asked.end();
  }
}

function startOf(its: readonly Taken[]): Start {
  const rounds = its.map(({ ms }) => ms);
  return {
    loadMs: middle(its.map(({ loadMs }) => loadMs)),
    ms: middle(rounds),
    rounds,
    peakBytes: middle(its.map(({ peakBytes }) => peakBytes)),
  };
}

/** Beyond the noise: by 3 % in the middle of the rounds, and in four of five of them. */
export function isSooner({ rounds }: Start, other: Start): boolean {
  const ratios = rounds.map((ms, round) => ms / other.rounds[round]!);
  return middle(ratios) <= 0.97 && ratios.filter((ratio) => ratio < 1).length >= 0.8 * ratios.length;
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
