// A function with a batched model on Managed Instances: hundreds of requests at once in one environment, and nothing of
// one is ever in another's answer, log lines, metrics or trace.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFunction } from '../../../src/build/bundle-function.ts';
import { seededRandom } from '../../../src/core/seeded-random.ts';
import { serializeLock } from '../../../src/models/lock.ts';
import { publish } from '../../../src/models/publish.ts';
import { folderStore } from '../../../src/models/stores/folder.ts';
import { explainRequest } from '../../../src/testing/explain-request.ts';
import type { Ended } from '../../observe/tracing.ts';
import { root } from '../../root.ts';
import { runs } from '../../runs.ts';
import { adder } from '../../versions/adder.ts';
import { type Answer, type Harness, harness } from './harness.ts';

const source = `
  import { threadId } from 'node:worker_threads';
  import { inference, tensor } from ${JSON.stringify(join(root, 'src/index.ts'))};
  export const handler = inference({
    models: { m: { model: 'adder:prod', batch: { objective: { p95: 50 } } } },
    input: { kind: 'custom', decode: async (request) => await request.json() },
    async predict({ number, pauses }, { m }, { log, requestId }) {
      const pause = async (ms) => await new Promise((next) => setTimeout(next, ms));
      const trace = () => awslambda.InvokeStore.getXRayTraceId();
      const tracing = globalThis[Symbol.for('opentelemetry.js.api.1')]?.context;
      const span = () => tracing?.active().getValue(Symbol.for('OpenTelemetry Context Key SPAN'))?.spanContext().spanId;
      const spanBefore = span();
      const before = trace();
      log.info('begins', { number });
      await pause(pauses[0]);
      console.log('by the console ' + number);
      const { y } = await m.run({ x: tensor('FP32', [1, 2], Float32Array.of(number, -number)) });
      await pause(pauses[1]);
      process.stdout.write(JSON.stringify({ _aws: { CloudWatchMetrics: [] }, number, requestId }) + '\\n');
      return { number, y: [...y.data], requestId, traces: [before, trace()], spans: [spanBefore, span()], pid: process.pid, threadId };
    },
  });`;

interface Said {
  readonly number: number;
  readonly y: readonly number[];
  readonly requestId: string;
  readonly traces: readonly string[];
  readonly spans: readonly string[];
  readonly pid: number;
  readonly threadId: number;
}

describe('many requests at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-many-'));
  let codeFolder = '';
  const store = join(folder, 'store');
  beforeAll(async () => {
    const one = adder(1);
    mkdirSync(join(folder, 'functions/many'), { recursive: true });
    writeFileSync(join(folder, 'functions/many/function.ts'), source);
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(
      join(folder, 'models.lock.json'),
      serializeLock({ lockVersion: 1, models: { 'adder:prod': one.locked } }),
    );
    await publish(folderStore(store), one);
    codeFolder = bundleFunction({ entry: 'functions/many/function.ts', root: folder, sessionThreads: true }).path;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([1, 3])(
    'never cross, with %i worker threads',
    async (workers) => {
      await using cloud = harness({ limit: 1 });
      const fn = many(cloud, workers);
      const ready = new Set<number>();
      const ask = async () => ready.add((await fn.value<Said>({ number: 0, pauses: [0, 0] })).threadId).size;
      await expect.poll(ask, { timeout: 20_000 }).toBe(workers);
      const total = runs(300);
      const random = seededRandom(workers);
      const asked = Array.from({ length: total }, (_, at) => ({
        number: at + 1,
        pauses: [random() * 20, random() * 20],
        traceId: `Root=1-00000000-${padded(at)}`,
      }));
      const answers: Answer<Said>[] = [];
      // Fewer than the 1,000 that the account may have at once.
      for (let from = 0; from < total; from += 500) {
        const wave = asked.slice(from, from + 500);
        const calls = wave.map(async ({ traceId, ...event }) => await fn.call<Said>(event, { traceId }));
        answers.push(...(await Promise.all(calls)));
      }
      const requestIds = new Map<string, number>();
      const crossed = { answers: 0, traces: 0, ids: 0, lines: 0 };
      for (const [at, { outcome, value }] of answers.entries()) {
        const { number, traceId } = asked[at]!;
        if (value?.number !== number || value.y[0] !== number + 1 || value.y[1] !== 1 - number) crossed.answers++;
        if (value?.traces.some((trace) => trace !== traceId)) crossed.traces++;
        if (!('requestId' in outcome) || outcome.requestId !== value?.requestId) crossed.ids++;
        requestIds.set(value?.requestId ?? '', number);
      }
      const told = () =>
        fn.local.log.text.split('\n').flatMap((line) => {
          // The local cloud's own word on how many environments this machine carries.
          if (!line.startsWith('{')) return [];
          const entry: Record<string, unknown> = JSON.parse(line);
          const number = requestIds.get(String(entry['requestId']));
          if (number === undefined) return [];
          // Of its own line a request's trace tells whose it is.
          if (entry['message'] === 'request')
            return [String(entry['traceparent']).startsWith(`00-00000000${padded(number - 1)}-`)];
          const says = entry['number'] ?? Number(/^by the console (\d+)$/.exec(String(entry['message']))?.[1]);
          return [says === number];
        });
      // A worker's lines pass through its process's main thread: the last ones may come after the last answer.
      await expect.poll(() => told().length, { timeout: 10_000 }).toBe(4 * total);
      const lines = told().length;
      crossed.lines = told().filter((right) => !right).length;
      const threads = new Set(answers.map(({ value }) => value?.threadId));
      console.log(
        `many at once: ${total} requests in ${fn.local.live} environment and ${threads.size} threads, ${lines} log and metric lines, crossed: ${JSON.stringify(crossed)}`,
      );
      expect(crossed).toEqual({ answers: 0, traces: 0, ids: 0, lines: 0 });
      expect(lines).toBe(4 * total);
      expect(new Set(answers.map(({ value }) => value?.pid)).size).toBe(1);
      expect(threads.size).toBe(workers);
    },
    60_000,
  );

  it('have a span each of the process’s tracer provider, which is theirs alone', async () => {
    await using cloud = harness({ limit: 1 });
    const file = join(folder, 'spans.jsonl');
    writeFileSync(file, '');
    const tracing = pathToFileURL(join(root, 'test/observe/tracing-to-file.ts')).href;
    const fn = many(cloud, 2, { SPANS: file, NODE_OPTIONS: `--import=${tracing}` });
    const asked = Array.from({ length: runs(100) }, (_, at) => ({ number: at + 1, pauses: [at % 7, at % 5] }));
    const answers = await Promise.all(asked.map((event) => fn.call<Said>(event)));
    const lines = () => fn.local.log.text.split('\n').map((line) => ({ function: 'many', line }));
    const told = () => lines().filter(({ line }) => line.includes('"traceparent"')).length;
    await expect.poll(told, { timeout: 10_000 }).toBe(asked.length);
    const spans = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line): Ended => JSON.parse(line))
      .filter(({ name }) => name !== 'loaded');
    const requests = new Map(spans.map((span) => [span.attributes['glowplug.request_id'], span]));
    for (const { value } of answers) {
      const own = requests.get(value?.requestId);
      expect(value?.spans).toEqual([own?.spanId, own?.spanId]);
      const below = spans.filter(({ parentSpanId }) => parentSpanId === own?.spanId).map(({ name }) => name);
      expect(below).toEqual(expect.arrayContaining(['decode', 'predict', 'encode', 'run adder']));
      expect(below.filter((name) => name === 'run adder')).toHaveLength(1);
      // Its line is where it was, under the span's ids.
      const explained = explainRequest(value?.requestId ?? '', lines());
      expect(explained?.request?.traceparent).toBe(`00-${own?.traceId}-${own?.spanId}-01`);
    }
    const shared = spans.filter(({ attributes }) => Number(attributes['glowplug.batch.requests']) > 1);
    const ids = new Set([...requests.values()].map(({ spanId }) => spanId));
    expect(shared.length).toBeGreaterThan(0);
    expect(shared.every(({ links }) => links.length > 0 && links.every(({ context }) => ids.has(context.spanId)))).toBe(
      true,
    );
  }, 60_000);

  function many(cloud: Harness, workers: number, environment: Record<string, string> = {}) {
    return cloud.add(
      {},
      {
        codeFolder,
        managed: { maxConcurrency: 64, vcpus: 1 },
        memoryMb: 2048,
        timeoutMs: 30_000,
        environment: {
          AWS_LAMBDA_NODEJS_WORKER_COUNT: `${workers}`,
          NODE_PATH: join(root, 'node_modules'),
          GLOWPLUG_STORE: store,
          ...environment,
        },
      },
    );
  }
});

function padded(at: number): string {
  return `${at}`.padStart(24, '0');
}
