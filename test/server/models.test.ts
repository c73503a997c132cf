// Models without code over HTTP, their sessions in workers: iris and PP-OCR rec by real onnxruntime.
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { noLog } from '../../src/core/log.ts';
import { loadUnits } from '../../src/server/load-units.ts';
import { prepare } from '../../src/server/prepare.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Session } from '../../src/session/session.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { sampleModels } from '../onnx/sample-models.ts';

const files = { iris: sampleModels['iris']!, rec: sampleModels['rec']! };

describe('models over HTTP, in workers', () => {
  let folder: string;
  let server: RunningServer;
  let models: Readonly<Record<string, string>>;
  const sessions: Session[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-models-'));
    const { units, signatures } = await prepare({ targets: Object.values(files), models: [] }, readContract(), folder);
    const [iris = '', rec = ''] = Object.keys(signatures);
    models = { iris, rec };
    const loaded = loadUnits(units, {
      contract: readContract(),
      bodyBytes: 10e6,
      async createSession(path, options) {
        const session = await createWorkerSession(await realpath(path), options);
        sessions.push(session);
        return session;
      },
    });
    server = await startServer(loaded, { host: '127.0.0.1', port: 0, log: noLog });
    await server.warm();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    for (const session of sessions) await session[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const infer = async (model: string, shape: readonly number[], data: readonly number[]) =>
    await fetch(`http://127.0.0.1:${server.port}/v2/models/${model}/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', shape, datatype: 'FP32', data }] }),
    });
  const outputOf = async (response: Response, name: string): Promise<unknown> => {
    const body: unknown = await response.json();
    const outputs: { name: string; data: unknown }[] = Object(body).outputs ?? [];
    return outputs.find((output) => output.name === name)?.data;
  };

  it('each of 100 requests at once gets its own answer, what onnxruntime says in this thread, beside broken ones', async () => {
    await using here = await createOrtSession(files.iris, { threads: 1 });
    const flowers = Array.from({ length: 100 }, (_, at) => [4 + at / 50, 2 + at / 100, 1 + at / 20, at / 40]);
    const answers = flowers.map(async (flower, at) => {
      const broken = at % 10 === 3;
      const response = await infer(models['iris']!, [1, broken ? 5 : 4], flower);
      if (broken) return response.status;
      return await outputOf(response, 'probabilities');
    });
    const wanted = flowers.map(async (flower, at) => {
      if (at % 10 === 3) return 400;
      const { probabilities } = await here.run({ x: tensor('FP32', [1, 4], Float32Array.from(flower)) });
      return Array.from(Object(probabilities).data);
    });
    expect(await Promise.all(answers)).toEqual(await Promise.all(wanted));
  });

  it('rec answers as it does in this thread, with iris beside it', async () => {
    await using here = await createOrtSession(files.rec, { threads: 1 });
    const pixels = Array.from({ length: 3 * 48 * 160 }, (_, at) => Math.fround(Math.sin(at)));
    const slow = infer(models['rec']!, [1, 3, 48, 160], pixels);
    const [x = ''] = Object.keys(here.signature.inputs);
    expect(x).toBe('x');
    expect((await infer(models['iris']!, [1, 4], [5, 3, 1, 0])).status).toBe(200);
    const [name = ''] = Object.keys(here.signature.outputs);
    const got = await outputOf(await slow, name);
    const outputs = await here.run({ x: tensor('FP32', [1, 3, 48, 160], Float32Array.from(pixels)) });
    const wanted = Float32Array.from(Object(outputs[name]).data);
    const largest = Float32Array.from(got as number[]).reduce(
      (most, value, at) => Math.max(most, Math.abs(value - wanted[at]!)),
      0,
    );
    // Threads add in another order.
    expect(largest).toBeLessThan(1e-5);
  });
});
