// How long does the first request after an idle hour take? Three contestants, started cold in turn: what tutorials do,
// glowplug, and the floor below which no start can go, its parts measured alone.
//
// GLOWPLUG_BENCH_QUICK=1: few starts, one bandwidth. GLOWPLUG_BENCH_CASES=rec,ocr: these alone.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildVersion, fromPath, loadDefinitions, publish } from 'glowplug/release';
import { serializeLock } from '../src/models/lock.ts';
import { startForm } from '../src/models/start-form.ts';
import { folderStore } from '../src/models/stores/folder.ts';
import { type LockedVersion, weightsFile } from '../src/models/version.ts';
import { cpuFeatures } from '../src/session/cpu-features.ts';
import { type Case, cases } from './cold-start/cases.ts';
import { Cloud, type Start } from './cold-start/contestants.ts';
import type { Speed } from './cold-start/throttled-s3.ts';
import { type Result, round, sample } from './measure.ts';

const root = join(import.meta.dirname, '..');
const quick = process.env['GLOWPLUG_BENCH_QUICK'] === '1';
const only = process.env['GLOWPLUG_BENCH_CASES']?.split(',');
const runs = quick ? 5 : 15;
const bandwidths = quick ? [150] : [75, 150, 300];
const firstByteMs = 30;

export async function bench(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-cold-'));
  const chosen = cases.filter(({ name }) => !only || only.includes(name));
  try {
    const locked = await publishCases(chosen, join(folder, 's3'), join(folder, 'split'));
    const lock = join(folder, 'models.lock.json');
    writeFileSync(lock, serializeLock({ lockVersion: 1, models: locked }));
    await using s3 = await startS3(join(folder, 's3'));
    using cloud = new Cloud(root, folder, s3.endpoint);
    const results: Result[] = [];
    for (const one of chosen) {
      for (const totalMbs of bandwidths) {
        await s3.set({ firstByteMs, connectionMbs: 85, totalMbs });
        results.push(...(await compare(one, totalMbs, cloud, { lock, locked, split: join(folder, 'split') })));
      }
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(
  { name, models }: Case,
  totalMbs: number,
  cloud: Cloud,
  paths: { lock: string; locked: Record<string, LockedVersion>; split: string },
): Promise<Result[]> {
  const references = models.map((model) => `${model.name}:prod`);
  const wanted = models.map(({ name: model, shape }) => ({ name: model, shape }));
  const contestants = ['nothing', 'naive', 'glowplug'].map((which) =>
    cloud.contestant(which, paths.lock, which === 'glowplug' ? references : []),
  );
  const starts = new Map<string, Start[]>(contestants.map((each) => [each.name, []]));
  const parts: { runtimeMs: number; createMs: number; runMs: number }[] = [];
  for (let run = -1; run < runs; run++) {
    for (const each of contestants) {
      const start = await each.start(wanted);
      if (run >= 0) starts.get(each.name)?.push(start);
    }
    const probe = measureParts(paths.split, cloud.layer, wanted);
    if (run >= 0) parts.push(probe);
  }
  const median = (values: readonly number[]) => sample(values).median;
  const of = (which: string, figure: (start: Start) => number) => sample((starts.get(which) ?? []).map(figure));
  const naive = of('naive', ({ ms }) => ms);
  const ours = of('glowplug', ({ ms }) => ms);
  const nothing = of('nothing', ({ ms }) => ms);
  const part = (key: 'runtimeMs' | 'createMs' | 'runMs') => median(parts.map((each) => each[key]));
  const started = models.map((model) => startForm(paths.locked[`${model.name}:prod`]!, cpuFeatures));
  const sizes = started.flatMap(({ files }) => ['model.onnx', weightsFile].map((file) => files[file]?.size ?? 0));
  const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
  const forms = [...new Set(started.flatMap(({ variant }) => variant ?? []))];
  const bytesMs = firstByteMs + (megabytes / totalMbs) * 1000;
  const floor = nothing.median + Math.max(bytesMs, part('runtimeMs') + part('createMs')) + part('runMs');
  checkAnswers(name, starts);
  const spread = (one: { p10: number; p90: number }) => `${Math.round(one.p10)}–${Math.round(one.p90)}`;
  console.error(
    `${name} at ${totalMbs} MB/s: naive ${round(naive.median)} (${spread(naive)}), glowplug ${round(ours.median)} (${spread(ours)}), ` +
      `floor ${round(floor)} = nothing ${round(nothing.median)} + max(${round(bytesMs)}, ${round(part('runtimeMs'))} + ${round(part('createMs'))}) + run ${round(part('runMs'))}`,
  );
  if (process.env['GLOWPLUG_BENCH_LOG']) console.error(starts.get('glowplug')?.at(-1)?.log);
  const where = `${[name, ...forms].join(' ')}, ${round(megabytes)} MB at ${totalMbs} MB/s`;
  const against = (label: string, one: { median: number; p10: number; p90: number }) =>
    `${label} ${Math.round(one.median)} ms (${spread(one)})`;
  const reach = reaches(name, totalMbs);
  const ratio = (metric: string, value: number, bar: number, other: string): Result => ({
    case: where,
    metric,
    value: round(value),
    unit: '×',
    against: other,
    ratio: round(value),
    reach: bar,
    met: value <= bar,
    runs,
  });
  const peaks = {
    naive: of('naive', (each) => each.peakMb).median,
    ours: of('glowplug', (each) => each.peakMb).median,
  };
  return [
    ratio(
      `glowplug ${Math.round(ours.median)} ms (${spread(ours)}) ÷ naive`,
      ours.median / naive.median,
      reach.naive,
      against('naive', naive),
    ),
    ratio('glowplug ÷ floor', ours.median / floor, reach.floor, `floor ${Math.round(floor)} ms`),
    ...(megabytes > 40 && totalMbs === bandwidths[0]
      ? [ratio(`peak memory ${peaks.ours} MB ÷ naive`, peaks.ours / peaks.naive, 0.5, `naive ${peaks.naive} MB`)]
      : []),
  ];
}

/** The table. */
function reaches(name: string, totalMbs: number): { naive: number; floor: number } {
  const [slow, middle, fast, floor] =
    name === 'rec' ? [0.6, 0.5, 0.42, 1.15] : name === 'ocr' ? [0.5, 0.42, 0.35, 1.15] : [0.65, 0.4, 0.22, 1.1];
  return { naive: (totalMbs === 75 ? slow : totalMbs === 150 ? middle : fast) ?? 1, floor: floor ?? 1 };
}

/** A start that is won by answering something else is not won. Optimised graphs round differently. */
function checkAnswers(name: string, starts: ReadonlyMap<string, readonly Start[]>): void {
  const answers = (which: string): Record<string, { length: number; sum: number; largest: number }>[] =>
    (starts.get(which) ?? []).map(({ answer }) => JSON.parse(answer));
  const [reference] = answers('naive');
  for (const answer of [...answers('naive'), ...answers('glowplug')]) {
    for (const [model, { length, sum, largest }] of Object.entries(reference ?? {})) {
      const other = answer[model];
      const close = (a: number, b = Number.NaN) => Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(a));
      if (other?.length === length && close(sum, other.sum) && close(largest, other.largest)) continue;
      throw new Error(`${name}: expected ${JSON.stringify(reference)}, got ${JSON.stringify(answer)}`);
    }
  }
}

function measureParts(split: string, layer: string, wanted: readonly unknown[]) {
  const script = join(import.meta.dirname, 'cold-start', 'floor-parts.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, split, layer, JSON.stringify(wanted)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

/** `s3/naive/<name>.onnx` as it is, and the versions as glowplug publishes them; `split/<name>/` for the floor. */
async function publishCases(
  chosen: readonly Case[],
  s3: string,
  split: string,
): Promise<Record<string, LockedVersion>> {
  const store = folderStore(s3);
  const definitions = await loadDefinitions(root);
  const locked: Record<string, LockedVersion> = {};
  for (const model of new Set(chosen.flatMap(({ models }) => models))) {
    const source = join(s3, 'naive', `${model.name}.onnx`);
    write(source, model.bytes());
    const files = { 'model.onnx': fromPath(source) };
    const alone = { name: model.name, version: '1.0.0', license: 'none', files };
    const built = await buildVersion(definitions.find(({ name }) => name === model.published) ?? alone, root);
    await publish(store, built);
    locked[`${model.name}:prod`] = built.locked;
    const form = startForm(built.locked, cpuFeatures);
    for (const [file, { digest }] of Object.entries(form.files)) {
      if (file !== 'model.onnx' && file !== weightsFile) continue;
      const content = built.blobs.get(digest)!;
      if ('use' in content) throw new Error(`expected ${file} of ${model.name} on this disk`);
      write(join(split, model.name, file), 'path' in content ? readFileSync(content.path) : content);
    }
  }
  return locked;
}

async function startS3(folder: string) {
  const script = join(import.meta.dirname, 'cold-start', 'throttled-s3.ts');
  const child = fork(script, [folder], { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const [{ port }]: [{ port: number }] = (await once(child, 'message')) as [{ port: number }];
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async set(speed: Speed) {
      child.send(speed);
      await once(child, 'message');
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}
