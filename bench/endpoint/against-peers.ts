// iris over REST, 64 connections, beside other servers of the same model: each in processes of its own, one client for all in turn.
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { serveProcess } from '../../test/server/serve-process.ts';
import { atLeast, atMost, type Result, round, sample } from '../measure.ts';
import { type Loaded, loadClient } from './load.ts';
import { type RunningPeer, startPeers } from './peers.ts';
import { flower, httpRequest, ms, root, rounds } from './serving.ts';

export async function againstPeers(folder: string): Promise<Result[]> {
  const own = await mkdtemp(join(folder, 'peers-'));
  const { running, missing } = await startPeers(join(root, 'models/iris/iris.onnx'), own, flower);
  for (const why of missing) console.log(`no peer: ${why}`);
  try {
    return running.length === 0 ? [] : await alternate(running, folder);
  } finally {
    for (const peer of running) await peer[Symbol.asyncDispose]();
  }
}

async function alternate(peers: readonly RunningPeer[], folder: string): Promise<Result[]> {
  await using serving = serveProcess([join(root, 'models/iris/iris.onnx')], { TMPDIR: folder });
  const { url } = await serving.ready();
  const ours = { name: 'glowplug', port: Number(new URL(url).port), path: '/v2/models/iris/infer', body: flower };
  const { of, fastest, against } = await inTurn(ours, peers);
  const ratio = (what: 'perSecond' | 'p99') => of('glowplug', what) / of(fastest, what);
  const what = `iris over REST, 64 connections: glowplug ${Math.round(of('glowplug', 'perSecond'))} /s, p99 ${round(of('glowplug', 'p99'))} ms`;
  const row = { case: what, unit: '×', against, runs: rounds };
  return [
    atLeast({ ...row, metric: `requests/s over ${fastest}’s`, value: ratio('perSecond'), reach: 3 }),
    atMost({ ...row, metric: `p99 over ${fastest}’s`, value: ratio('p99'), reach: 0.5 }),
  ];
}

/** One client of 64 connections for each in turn, after `warmup` rounds: medians, and who of the peers is fastest. */
export async function inTurn(ours: Contestant, peers: readonly Contestant[], warmup = 1) {
  await using client = loadClient();
  const seen = new Map<string, Loaded[]>();
  for (let run = -warmup; run < rounds; run++) {
    for (const { name, port, path, body } of [ours, ...peers]) {
      const loaded = await client.run({ port, request: httpRequest(path, body), connections: 64, ms });
      if (run >= 0) seen.set(name, [...(seen.get(name) ?? []), loaded]);
    }
  }
  const of = (name: string, what: 'perSecond' | 'p99') => sample((seen.get(name) ?? []).map((one) => one[what])).median;
  const [fastest = ''] = peers.map(({ name }) => name).sort((a, b) => of(b, 'perSecond') - of(a, 'perSecond'));
  const against = peers
    .map(({ name }) => `${name} ${Math.round(of(name, 'perSecond'))} /s, p99 ${round(of(name, 'p99'))} ms`)
    .join('; ');
  return { of, fastest, against };
}

type Contestant = Omit<RunningPeer, typeof Symbol.asyncDispose>;
