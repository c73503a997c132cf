// Latency, throughput, load time, memory and size of variants on this machine: each in processes of its own, one running at a time.
import { statSync } from 'node:fs';
import { joinRows } from '../../session/rows.ts';
import type { Tensors } from '../../tensor/tensor.ts';
import { AskedProcess } from './asked-process.ts';

export interface Speed {
  readonly threads: number;
  /** Rows of one run. */
  readonly batch: number;
  /** Milliseconds of a run. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly rowsPerSecond: number;
  /** Of one row, at 3.5 W a processor: an estimate. */
  readonly joules: number;
  readonly runs: number;
}

export interface Measurement {
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Milliseconds until the session was there, the file in the page cache. */
  readonly loadMs: number;
  /** Bytes of the process at its largest, Node and onnxruntime included, one row and one thread. */
  readonly peakBytes: number;
  readonly speeds: readonly Speed[];
}

export interface MeasureOptions {
  readonly variants: readonly { readonly name: string; readonly path: string }[];
  /** One request's. */
  readonly feeds: Tensors;
  readonly threads: readonly number[];
  readonly batches: readonly number[];
  /** Rounds, in each of which every variant runs once or, where it is quick, for some milliseconds. */
  readonly rounds: number;
  readonly onProgress?: (what: string) => void;
}

/** A fully used processor of AWS, as the Cloud Carbon Footprint project estimates it (its methodology, "Compute"). */
const WATTS = 3.5;
/** Milliseconds that one visit takes at least: a model of microseconds is not measured by single runs. */
const VISIT_MS = 10;
const WARMUP = 3;

/** Variants take turns, so that what disturbs this machine disturbs all of them. @throws GlowplugError SESSION_FAILED */
export async function measureVariants(options: MeasureOptions): Promise<Measurement[]> {
  const { variants, feeds, threads, batches, onProgress } = options;
  const found = variants.map(({ name, path }) => ({
    name,
    size: statSync(path).size,
    loads: [] as number[],
    peakBytes: 0,
    speeds: [] as Speed[],
  }));
  const batched = batches.flatMap((batch) => {
    const joined = together(feeds, batch);
    return joined ? [{ batch, feeds: joined }] : [];
  });
  for (const count of threads) {
    const processes: AskedProcess[] = [];
    try {
      for (const [at, { path }] of variants.entries()) {
        const one = new AskedProcess();
        processes.push(one);
        found[at]!.loads.push((await one.ask({ kind: 'open', path, threads: count }, 'opened')).loadMs);
      }
      for (const { batch, feeds: rows } of batched) {
        onProgress?.(`${count} ${count === 1 ? 'thread' : 'threads'}, ${batch} ${batch === 1 ? 'row' : 'rows'} a run`);
        const speeds = await takeTurns(processes, rows, options.rounds);
        for (const [at, times] of speeds.entries()) found[at]!.speeds.push(speedOf(times, count, batch));
        if (count !== threads[0] || batch !== batched[0]?.batch) continue;
        for (const [at, one] of processes.entries())
          found[at]!.peakBytes = (await one.ask({ kind: 'memory' }, 'peak')).bytes;
      }
    } finally {
      await Promise.all(processes.map((one) => one.end()));
    }
  }
  return found.map(({ name, size, loads, peakBytes, speeds }) => ({
    name,
    size,
    loadMs: Math.min(...loads),
    peakBytes,
    speeds,
  }));
}

interface Times {
  readonly ms: number[];
  cpuMs: number;
}

async function takeTurns(processes: readonly AskedProcess[], feeds: Tensors, rounds: number): Promise<Times[]> {
  const times = processes.map((): Times => ({ ms: [], cpuMs: 0 }));
  const counts: number[] = [];
  for (const [at, one] of processes.entries()) {
    const { ms } = await one.ask({ kind: 'run', feeds, count: WARMUP }, 'ran');
    counts[at] = Math.max(1, Math.min(1000, Math.round(VISIT_MS / Math.max(0.001, ms.at(-1) ?? 1))));
  }
  for (let round = 0; round < rounds; round++) {
    for (const [at, one] of processes.entries()) {
      const { ms, cpuMs } = await one.ask({ kind: 'run', feeds, count: counts[at]! }, 'ran');
      times[at]!.ms.push(...ms);
      times[at]!.cpuMs += cpuMs;
    }
  }
  return times;
}

function speedOf({ ms, cpuMs }: Times, threads: number, batch: number): Speed {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const joules = ((cpuMs / ms.length / batch) * WATTS) / 1000;
  return {
    threads,
    batch,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    rowsPerSecond: (1000 * batch) / at(0.5),
    joules,
    runs: ms.length,
  };
}

/** The same request so many times in one run; undefined where the model's rows cannot be joined. */
function together(feeds: Tensors, batch: number): Tensors | undefined {
  if (batch === 1) return feeds;
  if (!Object.values(feeds).every(({ shape }) => shape[0] === 1)) return undefined;
  return joinRows(Array.from({ length: batch }, () => ({ tensors: feeds, from: 0, to: 1 })));
}
