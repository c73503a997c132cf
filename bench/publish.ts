// How long does publishing 500 MB take over a store that gives 85 MB/s a connection, and how much memory?
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atMost, type Result, round, sample } from './measure.ts';

const megabytes = 500;
const perConnection = 85;
const runs = 5;

interface Run {
  readonly ms: number;
  readonly hashMs: number;
  /** Of the publisher alone. */
  readonly cpuMs: number;
  readonly overBaseline: number;
}

export async function bench(): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-publish-'));
  try {
    const path = join(folder, 'weights.bin');
    await writeRandom(path, megabytes * 1e6);
    return [...(await measure(path, 0)), ...(await measure(path, 30))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `latency`: what the store waits before each answer, in ms; S3 takes 30 to 60. */
async function measure(path: string, latency: number): Promise<Result[]> {
  const server = child('throttled-s3.ts', [`${perConnection}`, `${latency}`]);
  try {
    const [{ url }] = await once(server, 'message');
    // One for each, so that the memory of the one is not counted for the other.
    const [publisher, single] = [await publisherOf(url, path), await publisherOf(url, path)];
    try {
      const times: { publish: Run[]; one: Run[] } = { publish: [], one: [] };
      // In turn, so that whoever else uses these cores disturbs both alike.
      for (let i = 0; i < runs; i++) {
        times.publish.push(await run(publisher, 'publish'));
        times.one.push(await run(single, 'one'));
      }
      return report(times, latency);
    } finally {
      publisher.kill();
      single.kill();
    }
  } finally {
    server.kill();
  }
}

async function publisherOf(url: string, path: string): Promise<ChildProcess> {
  const publisher = child('publisher.ts', [url, path, `${megabytes * 1e6}`]);
  await once(publisher, 'message');
  return publisher;
}

function report({ publish, one }: { publish: Run[]; one: Run[] }, latency: number): Result[] {
  const what = `publish ${megabytes} MB at ${perConnection} MB/s a connection, ${latency} ms an answer`;
  const [whole, single] = [sample(publish.map(({ ms }) => ms)), sample(one.map(({ ms }) => ms))];
  const sent = sample(publish.map(({ ms, hashMs }) => ms - hashMs));
  const against = `one connection, p50 ${round(megabytes / (single.median / 1000))} MB/s`;
  const ratio = single.median / whole.median;
  return [
    {
      case: what,
      metric: 'p50, hashing included, times one connection',
      value: round(ratio),
      unit: '×',
      against,
      ratio: round(ratio),
      // What a wait before each of the answers costs is told; the bar is for a store of so many bytes a second.
      ...(latency === 0 ? { reach: 6, met: ratio >= 6 } : {}),
      runs,
    },
    {
      case: what,
      metric: 'p50 of the transfer alone, times one connection',
      value: round(single.median / sent.median),
      unit: '×',
      against,
      runs,
    },
    {
      case: what,
      metric: `p50 (p10 ${round(whole.p10)}, p90 ${round(whole.p90)}), of it hashing ${round(whole.median - sent.median)}`,
      value: round(whole.median),
      unit: 'ms',
      runs,
    },
    {
      case: what,
      metric: 'p50 of the publisher’s own processor time',
      value: round(sample(publish.map(({ cpuMs }) => cpuMs)).median),
      unit: 'ms',
      runs,
    },
    atMost({
      case: what,
      metric: 'peak memory over the baseline',
      value: Math.max(...publish.map(({ overBaseline }) => overBaseline)),
      unit: 'MB',
      reach: 128,
      runs,
    }),
  ];
}

async function run(publisher: ChildProcess, what: string): Promise<Run> {
  const answered: Promise<Run[]> = once(publisher, 'message');
  publisher.send(what);
  const [measured] = await answered;
  if (!measured) throw new Error('the publisher said nothing');
  return measured;
}

function child(file: string, args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, 'publish', file), args, {
    execArgv: ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning', '--expose-gc'],
  });
}

async function writeRandom(path: string, size: number): Promise<void> {
  const block = crypto.getRandomValues(new Uint8Array(65_536));
  const large = Buffer.concat(Array.from({ length: 160 }, () => block));
  await using file = await open(path, 'w');
  for (let at = 0; at < size; at += large.length) {
    large.writeUInt32LE(at >>> 0, 0);
    await file.write(large.subarray(0, Math.min(large.length, size - at)));
  }
}
