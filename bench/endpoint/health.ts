// Whether health answers while a run is on.
import { availableParallelism } from 'node:os';
import { createOrtSession } from '../../src/session/ort.ts';
import { severalAtOnce } from '../../src/session/several.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { atMost, type Result, round, sample } from '../measure.ts';
import { type Loaded, loadClient } from './load.ts';
import { httpRequest, ms, rounds, serverOver } from './serving.ts';

/** One client asks for health again and again while a run is on, or as many as there are cores. */
export async function health(folder: string, busyFile: string): Promise<Result[]> {
  await using client = loadClient();
  const cores = availableParallelism();
  const seen: Record<string, Loaded[]> = { workers: [], 'no core free': [], 'in-thread': [] };
  const servers = {
    workers: await serverOver(busyFile, folder, (path) => createWorkerSession(path, { threads: 1 })),
    'no core free': await serverOver(busyFile, folder, severalAtOnce(createWorkerSession, cores)),
    'in-thread': await serverOver(busyFile, folder, (path) => createOrtSession(path, { threads: 1 })),
  };
  const body = JSON.stringify({
    inputs: [
      { name: 'n', shape: [1], datatype: 'INT64', data: [20_000] },
      { name: 'x', shape: [64, 64], datatype: 'FP32', data: new Array(4096).fill(0.1) },
    ],
  });
  for (let run = 0; run < rounds; run++) {
    for (const [side, { server, handler }] of Object.entries(servers)) {
      const asked = client.run({ port: server.port, request: httpRequest('/v2/health/ready', ''), connections: 1, ms });
      const atOnce = side === 'no core free' ? cores : 1;
      const { signal } = new AbortController();
      const requests = Array.from({ length: atOnce }, () => new Request('http://bench/', { method: 'POST', body }));
      await Promise.all(requests.map((request) => handler.fetch(request, { signal, requestId: 'bench' })));
      seen[side]?.push(await asked);
    }
  }
  for (const { close } of Object.values(servers)) await close();
  const of = (side: string, what: keyof Loaded) => sample((seen[side] ?? []).map((one) => one[what]));
  const workers = of('workers', 'p99');
  const busy = of('no core free', 'p99');
  const [longest, longestInThread] = [of('workers', 'longest').median, of('in-thread', 'longest').median];
  const what = 'health while a run of 20,000 small matrix products is on, one thread a run';
  return [
    atMost({
      case: `${what} (p10–p90 ${round(workers.p10)}–${round(workers.p90)} ms)`,
      metric: 'p99',
      value: workers.median,
      unit: 'ms',
      reach: 5,
      runs: rounds,
    }),
    atMost({
      case: `health while ${cores} such runs are on and no core is free (p10–p90 ${round(busy.p10)}–${round(busy.p90)} ms)`,
      metric: 'p99',
      value: busy.median,
      unit: 'ms',
      reach: 15,
      runs: rounds,
    }),
    {
      case: what,
      metric: 'longest wait',
      value: round(longest),
      unit: 'ms',
      against: `sessions in the same thread: ${round(longestInThread)} ms`,
      ratio: round(longest / longestInThread),
      runs: rounds,
    },
  ];
}
