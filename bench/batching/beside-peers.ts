// The MLP over HTTP with batching on, beside other servers that batch it: as many threads for each, one client for all in turn.
import { mkdtemp } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { serveProcess } from '../../test/server/serve-process.ts';
import { inTurn } from '../endpoint/against-peers.ts';
import { type RunningPeer, startPeers } from '../endpoint/peers.ts';
import { rounds } from '../endpoint/serving.ts';
import { atLeast, atMost, type Result, round } from '../measure.ts';

/** What the sweep over static settings chose for this model: bench/batching.ts. */
const ROWS = 64;
/** For our batcher to find its size; the others’ is set. */
const WARMUP = 3;

const row = Array.from({ length: 1024 }, () => 0.5);
const tensors = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1024], datatype: 'FP32', data: row }] });

export async function besidePeers(model: string, folder: string): Promise<Result[]> {
  const share = { threads: availableParallelism(), workers: 1, batch: ROWS };
  const bodyOf = (peer: string) => (peer === 'BentoML' ? JSON.stringify({ x: [row] }) : tensors);
  const { running, missing } = await startPeers(model, await mkdtemp(join(folder, 'peers-')), bodyOf, share);
  for (const why of missing) console.log(`no peer: ${why}`);
  try {
    return running.length === 0 ? [] : await measure(model, folder, running);
  } finally {
    for (const peer of running) await peer[Symbol.asyncDispose]();
  }
}

async function measure(model: string, folder: string, peers: readonly RunningPeer[]): Promise<Result[]> {
  await using serving = serveProcess([model, '--batch', '100'], { TMPDIR: folder });
  const { port } = new URL((await serving.ready()).url);
  const ours = { name: 'glowplug', port: Number(port), path: '/v2/models/mlp/infer', body: tensors };
  const { of, fastest, against } = await inTurn(ours, peers, WARMUP);
  const figures = `${Math.round(of('glowplug', 'perSecond'))} /s, p99 ${round(of('glowplug', 'p99'))} ms`;
  const about = {
    case: `MLP over REST, batched, 64 connections: glowplug ${figures}`,
    unit: '×',
    against,
    runs: rounds,
  };
  const ratio = (what: 'perSecond' | 'p99') => of('glowplug', what) / of(fastest, what);
  return [
    atLeast({ ...about, metric: `rows/s over ${fastest}’s`, value: ratio('perSecond'), reach: 1 }),
    atMost({ ...about, metric: `p99 over ${fastest}’s`, value: ratio('p99'), reach: 1 }),
  ];
}
