// What does the local cloud cost a request, a start, a reload, and a fresh clone? And beside it, what do serverless-offline and
// lambda-local? GLOWPLUG_BENCH_CASES=requests,reload: these alone, of requests, reload, start, clone, peers.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCloud, startLocalCloud } from 'glowplug/testing';
import { readSamples, type Sample } from '../src/testing/samples.ts';
import { besidePeers } from './local/beside-peers.ts';
import { eightAtOnce } from './local/eight-at-once.ts';
import { startAndReload } from './local/start-and-reload.ts';
import { alternate, atMost, type Result, round } from './measure.ts';

const root = join(import.meta.dirname, '..');

/** Without `GLOWPLUG_BENCH_CASES`, all; the cases beside other tools need GLOWPLUG_BENCH_PEERS=1 as well. */
const cases: Readonly<Record<string, (sample: Sample) => Promise<Result[]>>> = {
  requests: async (sample) => {
    await using cloud = await startLocalCloud({ root });
    return [await warmInvoke(cloud, sample), ...(await eightAtOnce(cloud, sample)), await manyAtOnce(cloud, sample)];
  },
  reload: (sample) => startAndReload(root, sample),
  start: async () => [await secondStart()],
  clone: async () => [await freshClone()],
  peers: () => besidePeers(),
};

export async function bench(): Promise<Result[]> {
  const sample = readSamples(root).find(({ name }) => name === 'iris');
  if (!sample) throw new Error('functions/iris has no sample request');
  const chosen = process.env['GLOWPLUG_BENCH_CASES']?.split(',');
  const results: Result[] = [];
  for (const [name, run] of Object.entries(cases)) {
    if (!chosen || chosen.includes(name)) results.push(...(await run(sample)));
  }
  return results;
}

/** Through the function URL, SigV4 included, against the time that the handler itself says it took. */
async function warmInvoke(cloud: LocalCloud, sample: Sample): Promise<Result> {
  const iris = cloud.function('iris');
  const runs = 500;
  const request = { method: 'POST', headers: { 'content-type': sample.contentType }, body: sample.body };
  const check = async (response: Response) => {
    if (response.status !== 200) throw new Error(`iris answered ${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
  };
  Object.assign(process.env, {
    GLOWPLUG_STORE: `s3://${cloud.stores[0]}`,
    GLOWPLUG_LOCK: join(root, 'models.lock.json'),
    GLOWPLUG_CACHE: join(root, '.glowplug', 'bench-cache'),
    AWS_ENDPOINT_URL_S3: cloud.s3Endpoint,
    AWS_ACCESS_KEY_ID: cloud.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: cloud.credentials.secretAccessKey,
  });
  const { handler } = await import('../functions/iris/function.ts');
  const times = await alternate(
    {
      url: async () => check(await iris.fetch('/', request)),
      handler: async () => check(await handler.fetch(new Request('https://iris.example/', request))),
    },
    { runs, warmup: 50 },
  );
  return atMost({
    case: 'warm invoke through a function URL',
    metric: 'p50 over the handler’s own time',
    value: times.url.median - times.handler.median,
    unit: 'ms',
    against: `the handler in this process, p50 ${round(times.handler.median)} ms`,
    ratio: round(times.url.median / times.handler.median),
    reach: 2,
    runs,
  });
}

async function manyAtOnce(cloud: LocalCloud, sample: Sample): Promise<Result> {
  const start = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await cloud
        .function('iris')
        .fetch('/', { method: 'POST', headers: { 'content-type': sample.contentType }, body: sample.body });
      await response.arrayBuffer();
      return response.status;
    }),
  );
  const answered = answers.filter((status) => status === 200).length;
  return {
    case: '200 requests at once',
    metric: `answered with 200, in ${round(performance.now() - start)} ms`,
    value: answered,
    unit: 'requests',
    reach: 200,
    met: answered === 200,
    runs: 1,
  };
}

/** From the shell's return key to the first printed answer. */
async function secondStart(): Promise<Result> {
  await firstAnswer();
  const runs = 3;
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await firstAnswer());
  const median = times.sort((a, b) => a - b)[1] ?? Number.NaN;
  return atMost({
    case: 'npm start, second time',
    metric: 'p50 to the first answer',
    value: median,
    unit: 's',
    reach: 8,
    runs,
  });
}

async function firstAnswer(): Promise<number> {
  const start = performance.now();
  const child = spawn('npm', ['start', '--silent', '--', '--once'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  const { promise, resolve } = Promise.withResolvers<number>();
  child.stdout.on('data', (chunk: Buffer) => {
    if (chunk.includes('200 in')) resolve((performance.now() - start) / 1000);
  });
  const exited = new Promise<void>((done) => child.once('close', () => done()));
  const seconds = await Promise.race([promise, exited.then(() => Number.NaN)]);
  await exited;
  if (Number.isNaN(seconds)) throw new Error('npm start -- --once ended without an answer');
  return seconds;
}

async function freshClone(): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-clone-'));
  try {
    execFileSync('git', ['clone', '--quiet', root, folder]);
    const start = performance.now();
    execFileSync('npm', ['ci', '--silent'], { cwd: folder, stdio: 'ignore' });
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: folder, stdio: 'ignore' });
    const seconds = (performance.now() - start) / 1000;
    return atMost({
      case: `npm ci and build in a fresh clone, warm cache, ${availableParallelism()} cores`,
      metric: 'time',
      value: seconds,
      unit: 's',
      reach: 60,
      runs: 1,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
