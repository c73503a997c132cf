// Whether health answers while a run is on.
import { createOrtSession } from '../../src/session/ort.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { atMost, type Result, round, sample } from '../measure.ts';
import { type Loaded, loadClient } from './load.ts';
import { httpRequest, ms, rounds, serverOver } from './serving.ts';

/** One client asks for health again and again while a run is on. */
export async function health(folder: string, busyFile: string): Promise<Result[]> {
  await using client = loadClient();
  const seen: Record<string, Loaded[]> = { workers: [], 'in-thread': [] };
  const servers = {
    workers: await serverOver(busyFile, folder, (path) => createWorkerSession(path, { threads: 1 })),
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
      const request = new Request('http://bench/', { method: 'POST', body });
      await handler.fetch(request, { signal: new AbortController().signal, requestId: 'bench' });
      seen[side]?.push(await asked);
    }
  }
  for (const { close } of Object.values(servers)) await close();
  const of = (side: string, what: keyof Loaded) => sample((seen[side] ?? []).map((one) => one[what]));
  const workers = of('workers', 'p99');
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
