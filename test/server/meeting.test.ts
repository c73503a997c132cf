// Requests that meet, behind HTTP: what leaves a batch, what the server tells of it, how large a body may be.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { batchMetrics } from '../../src/server/batch-metrics.ts';
import { loadUnits } from '../../src/server/load-units.ts';
import { prepare } from '../../src/server/prepare.ts';
import { fakeSession } from '../../src/session/fake.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { sampleModels } from '../onnx/sample-models.ts';
import { rawSocket } from './raw-request.ts';
import { metric, patient, start } from './start-server.ts';

const iris = sampleModels['iris']!;
const flower = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] }] });

describe('requests that meet, over HTTP', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-meeting-'));
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  /** iris, whose runs last until the test lets them end. */
  async function gated(log: (message: string, fields: unknown) => void = () => {}, p95?: number) {
    const batch = p95 === undefined ? undefined : { objective: { p95 } };
    const own = await mkdtemp(join(folder, 'served-'));
    const { units, signatures } = await prepare({ targets: [iris], models: [], batch }, readContract({}), own);
    const rows: number[] = [];
    let go = Promise.withResolvers<void>();
    const session = fakeSession({
      signature: signatures['iris']!,
      async answer({ x }) {
        const count = x?.shape[0] ?? 0;
        rows.push(count);
        await go.promise;
        return {
          class: tensor('INT64', [count], new BigInt64Array(count)),
          probabilities: tensor('FP32', [count, 3], new Float32Array(3 * count)),
        };
      },
    });
    const metrics = new Metrics();
    const loaded = loadUnits(units, {
      contract: readContract({}),
      createSession: async () => session,
      onBatched: batchMetrics(metrics),
      bodyBytes: 20e6,
    });
    const served = await start(loaded, { metrics, log: { info: log, warn() {}, error() {} } });
    const letGo = () => {
      go.resolve();
      go = Promise.withResolvers();
    };
    onTestFinished(letGo);
    return { ...served, rows, letGo };
  }

  it('a client that goes is CLIENT_GONE in the log, and its rows leave the batch: 30 of 50 rows run', async () => {
    const logged: unknown[] = [];
    const { server, post, rows, letGo } = await gated((_message, fields) => logged.push(fields), 1000);
    const first = post('/v2/models/iris/infer', flower);
    await expect.poll(() => rows.length, patient).toBe(1);
    const stays = Array.from({ length: 30 }, () => post('/v2/models/iris/infer', flower));
    const goes = await Promise.all(Array.from({ length: 20 }, () => rawSocket(server.port)));
    const head = `POST /v2/models/iris/infer HTTP/1.1\r\nhost: x\r\ncontent-length: ${flower.length}\r\n\r\n${flower}`;
    for (const socket of goes) socket.write(head);
    const waiting = () => metric(server.port, 'glowplug_batch_waiting_rows{model="iris"}');
    await expect.poll(waiting, patient).toBe(50);
    for (const socket of goes) socket.destroy();
    await expect.poll(waiting, patient).toBe(30);
    while (rows.reduce((sum, one) => sum + one, 0) < 31) {
      letGo();
      await new Promise((later) => setImmediate(later));
    }
    letGo();
    const answers = await Promise.all([first, ...stays]);
    expect(answers.map(({ status }) => status)).toEqual(Array(31).fill(200));
    expect(rows.reduce((sum, one) => sum + one, 0)).toBe(31);
    expect(logged).toHaveLength(20);
    expect(logged).toContainEqual(expect.objectContaining({ code: 'CLIENT_GONE' }));
    console.log(`clients that went: 20 of 50 rows left the batch, ${rows.length} runs for the other 31 rows`);
  });

  it('what the tuner chose is told: sizes, window, learned time, time in the queue', async () => {
    const { server, url, post, letGo, rows } = await gated(undefined, 1000);
    const answers = Array.from({ length: 40 }, () => post('/v2/models/iris/infer', flower));
    let answered = false;
    void Promise.all(answers).then(() => {
      answered = true;
    });
    while (!answered) {
      letGo();
      await new Promise((later) => setImmediate(later));
    }
    const sum = rows.reduce((all, one) => all + one, 0);
    expect(sum).toBe(40);
    const { model_stats } = Object(await (await fetch(`${url}/v2/models/iris/stats`)).json());
    const [stats] = model_stats;
    expect(stats).toMatchObject({ inference_count: 40, execution_count: rows.length });
    const sizes: { batch_size: number; compute_infer: { count: number } }[] = stats.batch_stats;
    expect(sizes.reduce((all, one) => all + one.batch_size * one.compute_infer.count, 0)).toBe(40);
    expect(stats.inference_stats.queue.ns).toBeGreaterThan(0);
    const [bucket] = Object.values(stats.batcher.buckets);
    expect(bucket).toMatchObject({ rows: expect.any(Number), windowMs: expect.any(Number) });
    expect(Object(bucket).curve.length).toBeGreaterThan(0);
    expect(await metric(server.port, 'nv_inference_count{model="iris"}')).toBe(40);
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const name of ['chosen_rows', 'window_seconds', 'learned_seconds', 'queue_seconds_total', 'runs_total']) {
      expect(text).toMatch(new RegExp(`^glowplug_batch_${name}\\{model="iris"`, 'm'));
    }
  });

  it('a body under /v2 may be as large as the server says, not only Lambda’s 6 MB', async () => {
    const { post, letGo, rows } = await gated();
    const data = new Array(1_000_000).fill(0.12345);
    const large = JSON.stringify({ inputs: [{ name: 'x', shape: [250_000, 4], datatype: 'FP32', data }] });
    expect(large.length).toBeGreaterThan(6 * 1024 * 1024);
    const answer = post('/v2/models/iris/infer', large);
    await expect.poll(() => rows, patient).toEqual([250_000]);
    letGo();
    expect((await answer).status).toBe(200);
    const { status: over } = await post('/v2/models/iris/infer', `${large}${' '.repeat(20e6)}`);
    expect(over).toBe(413);
  });
});
