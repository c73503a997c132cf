// Many models behind one endpoint: opened by their first request, within a memory budget, loaded and unloaded by who asks.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { TensorProto_DataType as Type } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { loadUnits } from '../../src/server/load-units.ts';
import { prepare } from '../../src/server/prepare.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { SessionFactory } from '../../src/session/session.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';
import { runs } from '../runs.ts';
import { grpcClient } from './grpc-client.ts';
import { serveProcess } from './serve-process.ts';
import { start } from './start-server.ts';

const names = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'];
/** Counted with 0.9 MB each. */
const WEIGHTS = 125_000;

describe('many models behind one endpoint', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-many-'));
    for (const [at, name] of names.entries()) await writeFile(fileOf(name), addingModel(at));
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  const fileOf = (name: string) => join(folder, `${name}.onnx`);

  /** Real sessions in this thread; counts what is open. */
  async function serve(modelsMb: number, before: (path: string) => Promise<void> = async () => {}) {
    const own = await mkdtemp(join(folder, 'served-'));
    const targets = names.map(fileOf);
    const contract = { ...readContract({}), modelsMb };
    const prepared = await prepare({ targets, models: [], onDemand: true, control: true }, contract, own);
    const seen = { opened: [] as string[], open: 0, mostOpen: 0 };
    const createSession: SessionFactory = async (path, options) => {
      await before(path);
      const inner = await createOrtSession(path, options);
      seen.opened.push(basename(path));
      seen.mostOpen = Math.max(seen.mostOpen, ++seen.open);
      return {
        ...inner,
        async [Symbol.asyncDispose]() {
          seen.open--;
          await inner[Symbol.asyncDispose]();
        },
      };
    };
    const units = loadUnits(prepared.units, { contract, createSession, bodyBytes: 1e6 });
    const served = await start(units);
    await served.server.warm();
    const infer = async (name: string, x: number) => {
      const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [x] }] });
      const response = await served.post(`/v2/models/${name}/infer`, body);
      const answer = Object(await response.json());
      return response.ok ? answer.outputs[0].data[0] : answer.code;
    };
    const control = async (name: string, action: 'load' | 'unload') =>
      (await served.post(`/v2/repository/models/${name}/${action}`, '')).status;
    const states = async () => {
      const index: unknown = await (await served.post('/v2/repository/index', '')).json();
      return (index as { name: string; state: string }[]).flatMap(({ name, state }) =>
        state === 'READY' ? [name] : [],
      );
    };
    return { ...served, seen, infer, control, states };
  }

  it('opens a model at its first request, once however many ask; who was used longest ago goes out', async () => {
    const { infer, seen, states, url } = await serve(4);
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
    expect([seen.opened.length, await states()]).toEqual([0, []]);
    expect(await Promise.all(Array.from({ length: 20 }, (_, at) => infer('m1', at)))).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    expect([seen.opened.length, await states()]).toEqual([1, ['m1']]);
    for (const name of ['m2', 'm3', 'm4', 'm1', 'm5']) await infer(name, 0);
    // 4 of 0.9 MB fit; m2 was used longest ago.
    expect(await states()).not.toContain('m2');
    expect(await states()).toContain('m1');
    const openedBefore = seen.opened.length;
    expect(await infer('m2', 0.5)).toBe(2.5);
    expect(seen.opened.length).toBe(openedBefore + 1);
    expect(seen.mostOpen).toBeLessThanOrEqual(4);
  });

  it('a load stalls nobody else: 200 requests are answered while one model is being loaded', async () => {
    const go = Promise.withResolvers<void>();
    onTestFinished(() => go.resolve());
    let slow = false;
    let loading = 0;
    const { infer, states } = await serve(100, async () => {
      if (!slow) return;
      loading++;
      await go.promise;
    });
    await infer('m1', 0);
    slow = true;
    const waiting = Promise.all([infer('m2', 1), infer('m2', 2)]);
    await expect.poll(() => loading).toBe(1);
    const others = await Promise.all(Array.from({ length: 200 }, (_, at) => infer('m1', at)));
    expect(others).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    expect(await states()).toEqual(['m1']);
    go.resolve();
    expect(await waiting).toEqual([3, 4]);
    console.log('many models: 200 of 200 requests answered while another model was being loaded, once');
  });

  it('unloads after those who run it, refuses it until it is loaded again, and says so', async () => {
    const { infer, control, states, post, seen } = await serve(100);
    expect(await control('m1', 'load')).toBe(200);
    expect([await states(), seen.open]).toEqual([['m1'], 1]);
    expect(await control('m1', 'unload')).toBe(200);
    expect([await states(), seen.open]).toEqual([[], 0]);
    expect(await infer('m1', 0)).toBe('MODEL_UNLOADED');
    expect(await control('m1', 'unload')).toBe(200);
    expect(await control('m1', 'load')).toBe(200);
    expect(await infer('m1', 4)).toBe(5);
    expect(await control('nobody', 'load')).toBe(404);
    const config = await post('/v2/repository/models/m1/load', JSON.stringify({ parameters: { config: '{}' } }));
    expect([config.status, Object(await config.json()).error]).toEqual([
      400,
      expect.stringContaining('no configuration'),
    ]);
  });

  it('under any schedule of requests, loads and unloads each answer is its own model’s, within the budget', async () => {
    const { infer, control, seen, states } = await serve(5);
    const step = fc.record({
      name: fc.constantFrom(...names),
      what: fc.constantFrom('infer' as const, 'infer' as const, 'infer' as const, 'load' as const, 'unload' as const),
      x: fc.integer({ min: 0, max: 1000 }),
    });
    const counts = { answered: 0, refused: 0, loads: 0, unloads: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24 }), async (steps) => {
        await Promise.all(
          steps.map(async ({ name, what, x }) => {
            if (what !== 'infer') {
              expect(await control(name, what)).toBe(200);
              counts[`${what}s`]++;
              return;
            }
            const answer = await infer(name, x);
            if (answer === 'MODEL_UNLOADED') counts.refused++;
            else {
              expect(answer).toBe(x + names.indexOf(name));
              counts.answered++;
            }
          }),
        );
        expect((await states()).length).toBeLessThanOrEqual(5);
      }),
      { numRuns: runs(60) },
    );
    expect(seen.mostOpen).toBeLessThanOrEqual(6);
    console.log(
      `many models: ${JSON.stringify(counts)}, ${seen.opened.length} opened, at most ${seen.mostOpen} at once`,
    );
  });

  it('glowplug serve --on-demand --memory --model-control, over HTTP and gRPC', async () => {
    const here = join(folder, 'cli');
    await mkdir(here);
    const args = ['--on-demand', '--memory', '3', '--model-control', '--grpc-port', '0'];
    await using serving = serveProcess([...names.map(fileOf), ...args], { TMPDIR: here });
    const { url, grpc } = await serving.ready();
    const client = grpcClient(Number(grpc?.split(':')[1]));
    onTestFinished(client.close);
    for (const [at, name] of names.entries()) {
      const inputs = [{ name: 'x', datatype: 'FP32', shape: [1], contents: { fp32_contents: [0.5] } }];
      const { answer } = await client.call('ModelInfer', { model_name: name, inputs });
      expect(answer.outputs[0].contents.fp32_contents).toEqual([at + 0.5]);
    }
    expect((await client.call('RepositoryModelUnload', { model_name: 'm7' })).status).toBe(0);
    expect(await client.call('ModelInfer', { model_name: 'm7', inputs: [] })).toMatchObject({ code: 'INPUT_TENSOR' });
    const { models } = (await client.call('RepositoryIndex', {})).answer;
    expect(models.filter(({ state }: { state: string }) => state === 'READY').length).toBeLessThanOrEqual(3);
    expect((await client.call('RepositoryModelLoad', { model_name: 'm7' })).status).toBe(0);
    expect((await fetch(`${url}/v2/models/m7/ready`)).status).toBe(200);
  });
});

/** x FP32 [1] → y = x + `by`, with weights beside it that take memory. */
function addingModel(by: number): Uint8Array {
  const weights = new Float32Array(WEIGHTS).fill(by);
  return bytesOf(
    tinyGraph({
      initializer: [
        { name: 'weights', dataType: Type.FLOAT, dims: [BigInt(WEIGHTS)], rawData: new Uint8Array(weights.buffer) },
        { name: 'first', dataType: Type.INT64, dims: [1n], int64Data: [0n] },
      ],
      input: [value('x', [1])],
      output: [value('y', [1])],
      node: [
        { opType: 'Gather', input: ['weights', 'first'], output: ['by'] },
        { opType: 'Add', input: ['x', 'by'], output: ['y'] },
      ],
    }),
  );
}
