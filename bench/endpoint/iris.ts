// A tiny model: what serving costs over the handler, what workers cost over sessions in the same thread.
import { join } from 'node:path';
import { createOrtSession } from '../../src/session/ort.ts';
import type { SessionFactory } from '../../src/session/session.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { type Result, round, sample } from '../measure.ts';
import { type Loaded, loadClient } from './load.ts';
import { flower, httpRequest, ms, root, rounds, serverOver } from './serving.ts';

const sides: Record<'workers' | 'in-thread', SessionFactory> = {
  workers: createWorkerSession,
  'in-thread': createOrtSession,
};

/** 64 connections, one flower each; and the same request to the handler, 64 at once, without a socket. */
export async function iris(folder: string): Promise<Result[]> {
  const body = flower;
  const path = '/v2/models/iris/infer';
  await using client = loadClient();
  const servers = {
    workers: await serverOver(join(root, 'models/iris/iris.onnx'), folder, sides.workers),
    'in-thread': await serverOver(join(root, 'models/iris/iris.onnx'), folder, sides['in-thread']),
  };
  const seen: Record<'workers' | 'in-thread' | 'handler', Loaded[]> = { workers: [], 'in-thread': [], handler: [] };
  for (let run = -1; run < rounds; run++) {
    for (const side of ['workers', 'in-thread'] as const) {
      const load = { port: servers[side].server.port, request: httpRequest(path, body), connections: 64, ms };
      const loaded = await client.run(load);
      if (run >= 0) seen[side].push(loaded);
    }
    const direct = await inProcess(servers.workers.handler, path, body);
    if (run >= 0) seen.handler.push(direct);
  }
  for (const { close } of Object.values(servers)) await close();
  const of = (side: keyof typeof seen, what: keyof Loaded) => sample(seen[side].map((one) => one[what])).median;
  const spread = sample(seen.workers.map((one) => one.perSecond));
  const against = (side: keyof typeof seen) =>
    `${side}: ${Math.round(of(side, 'perSecond'))} /s, p50 ${round(of(side, 'p50'))}, p99 ${round(of(side, 'p99'))} ms`;
  const row = (side: 'in-thread' | 'handler') => ({
    case: `iris over HTTP, 64 connections, sessions in workers (p10–p90 ${Math.round(spread.p10)}–${Math.round(spread.p90)} /s)`,
    metric: 'requests/s',
    value: Math.round(of('workers', 'perSecond')),
    unit: '/s',
    against: against(side),
    ratio: round(of('workers', 'perSecond') / of(side, 'perSecond')),
    runs: rounds,
  });
  const latency = (what: 'p50' | 'p99') => ({
    case: 'iris over HTTP, 64 connections, sessions in workers',
    metric: what,
    value: round(of('workers', what)),
    unit: 'ms',
    against: `in-thread: ${round(of('in-thread', what))} ms`,
    ratio: round(of('workers', what) / of('in-thread', what)),
    runs: rounds,
  });
  return [row('in-thread'), row('handler'), latency('p50'), latency('p99')];
}

async function inProcess(
  handler: Awaited<ReturnType<typeof serverOver>>['handler'],
  path: string,
  body: string,
): Promise<Loaded> {
  const times: number[] = [];
  const start = performance.now();
  const one = async () => {
    while (performance.now() - start < ms) {
      const begun = performance.now();
      const request = new Request(`http://bench${path}`, { method: 'POST', body });
      await (await handler.fetch(request, { signal: new AbortController().signal, requestId: 'bench' })).text();
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: 64 }, one));
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
  return {
    perSecond: (times.length * 1000) / (performance.now() - start),
    p50: at(0.5),
    p99: at(0.99),
    longest: sorted.at(-1) ?? 0,
  };
}
