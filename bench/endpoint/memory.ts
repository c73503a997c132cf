// Whether the serving process grows: its resident memory over 200,000 requests, the first quarter not counted.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveProcess } from '../../test/server/serve-process.ts';
import { atMost, type Result, round } from '../measure.ts';
import { loadClient } from './load.ts';
import { flower, httpRequest, root } from './serving.ts';

const requests = process.env['GLOWPLUG_BENCH_QUICK'] === '1' ? 20_000 : 200_000;
const SAMPLES = 40;

export async function memory(folder: string): Promise<Result[]> {
  await using serving = serveProcess([join(root, 'models/iris/iris.onnx')], { TMPDIR: folder });
  const { url, pid } = await serving.ready();
  await using client = loadClient();
  const load = { port: Number(new URL(url).port), request: httpRequest('/v2/models/iris/infer', flower) };
  const megabytes: number[] = [];
  for (let at = 0; at < SAMPLES; at++) {
    await client.run({ ...load, connections: 64, ms: 600_000, requests: requests / SAMPLES });
    megabytes.push((await residentBytes(pid)) / 1e6);
  }
  const settled = megabytes.slice(SAMPLES / 4);
  const quarter = settled.length / 3;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  // Collections make it saw: means of its first and last third say whether it rises.
  const growth = (mean(settled.slice(-quarter)) / mean(settled.slice(0, quarter)) - 1) * 100;
  return [
    atMost({
      case: `memory of the serving process over ${requests} requests, from ${round(Math.min(...settled))} to ${round(Math.max(...settled))} MB after the first quarter`,
      metric: 'growth of RSS, last 50,000 over the first 50,000 of the last 150,000',
      value: growth,
      unit: '%',
      reach: 2,
      runs: 1,
    }),
  ];
}

/** Linux alone says it of another process. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
