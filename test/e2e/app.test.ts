// This repository's own app in the local cloud: what `npm start` shows.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { clientCommand } from '../../src/cli/client.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { difference, readSamples, type Sample } from '../../src/testing/samples.ts';
import { runCommand } from '../cli/run-command.ts';
import { synthesiseVoice } from '../functions/synthesise-voice.ts';
import { root } from '../root.ts';
import { sixteenBits } from '../tensor/make-wav.ts';
import { type LiveApp, liveApp } from './live-app.ts';

describe('the app in the local cloud', () => {
  let cloud: LocalCloud;
  let live: Omit<LiveApp, 'url' | 'functionName'>;
  beforeAll(async () => {
    cloud = await startLocalCloud({ root });
    const { region, credentials, endpoint, s3Endpoint, stores } = cloud;
    const store = await s3Store({ bucket: stores[0]!, prefix: '', region, endpoint: s3Endpoint }, { credentials });
    live = { region, credentials, store, lambda: new LambdaClient({ endpoint, region, credentials }) };
  }, 120_000);
  afterAll(async () => {
    live?.lambda.destroy();
    await cloud?.[Symbol.asyncDispose]();
  });

  const samples = readSamples(root);

  it('has a sample with a golden answer for each function', () => {
    expect(samples.map(({ name }) => name)).toEqual(cloud.functions.toSorted());
    expect(samples.filter(({ golden }) => !golden)).toEqual([]);
  });

  liveApp(() => ({ ...live, url: (name) => cloud.function(name).url, functionName: (name) => name }));

  /** What `glowplug client` writes for a function, set up for this cloud. */
  async function clientOf(name: string) {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-client-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    await runCommand(clientCommand(), name, '--out', folder);
    const written = await import(join(folder, `${name}.ts`));
    const signer = new AwsClient({ ...cloud.credentials, region: cloud.region, service: 'lambda' });
    const sign = (request: Request) => signer.sign(request);
    return written[`create${name[0]?.toUpperCase()}${name.slice(1)}`]({ url: cloud.function(name).url, sign });
  }

  it.each(samples)('$name answers its typed client as the golden answer says', async (sample) => {
    const { name, golden, contentType } = sample;
    const client = await clientOf(name);
    const answer = client(forClient[name]?.(sample) ?? jsonOf(sample), { type: contentType });
    const actual = await (name === 'speech' ? Array.fromAsync(answer) : answer);
    expect(
      difference(golden?.body, name === 'tensors' ? asJson(actual) : actual, golden?.tolerance ?? 0),
    ).toBeUndefined();
  });

  it('tells a typed client what it did wrong by code', async () => {
    const iris = await clientOf('iris');
    await expect(iris({ sepalLength: -1 })).rejects.toMatchObject({
      status: 400,
      code: 'INPUT_SCHEMA',
      requestId: expect.any(String),
    });
  });

  it('speech tells of a segment before it has heard the rest: an answer that ends half way has begun', async () => {
    // The voice, then two minutes of silence.
    const voice = synthesiseVoice(4, [{ from: 0.5, syllables: ['a', 'i', 'o', 'e', 'u'] }]);
    const body = Buffer.concat([sixteenBits(voice), Buffer.alloc(2 * 16_000 * 120)]);
    const speech = cloud.function('speech');
    const headers = { 'content-type': 'audio/pcm;rate=16000' };
    const response = await speech.fetch('/', { method: 'POST', headers, body });
    const reader = response.body!.getReader();
    const first = JSON.parse(Buffer.from((await reader.read()).value!).toString());
    expect(Math.abs(first.start - 0.5)).toBeLessThan(0.1);
    // Its windows are not all run: with the environment the answer breaks off, and nothing that is whole could.
    expect(await speech.kill()).toBe(1);
    await expect(reader.read()).rejects.toThrow();
  });

  it('tells where the time of a cold start went, against a budget in multiples of what nothing takes', async () => {
    const start = await cloud.coldStart('ocr', { starts: 1 });
    const models = (stage: string) => start.stages.filter((each) => each.stage === stage).map(({ model }) => model);
    for (const stage of ['fetch', 'verify', 'create', 'run']) {
      expect(models(stage).sort()).toEqual(['ppocr-cls', 'ppocr-det', 'ppocr-rec']);
    }
    for (const stage of ['boot', 'import', 'resolve', 'runtime', 'request']) expect(models(stage)).toEqual([undefined]);
    for (const { from, to } of start.stages) expect(to).toBeGreaterThanOrEqual(from);
    const bytes = start.stages.reduce((sum, stage) => sum + (stage.bytes ?? 0), 0);
    expect(bytes).toBeGreaterThan(15e6);
    // Onnxruntime loads while bytes travel: before the first of them have all come, on however busy a machine.
    const [runtime] = start.stages.filter(({ stage }) => stage === 'runtime');
    expect(runtime?.from).toBeLessThan(
      Math.max(...start.stages.flatMap(({ stage, to }) => (stage === 'fetch' ? to : []))),
    );
    expect(start.over({ total: 1000, import: 1000 })).toEqual([]);
    expect(start.over({ total: 0.1 })).toHaveLength(1);
  }, 60_000);
});

function jsonOf({ body }: Sample) {
  return JSON.parse(new TextDecoder().decode(body));
}

/** What a typed client takes, where it is not the sample's JSON. */
const forClient: Record<string, (sample: Sample) => unknown> = {
  embed: (sample) => jsonOf(sample).texts,
  ocr: ({ body }) => body,
  spam: ({ body }) => new TextDecoder().decode(body),
  speech: ({ body }) => body,
  tensors: (sample) =>
    Object.fromEntries(
      jsonOf(sample).inputs.map(({ name, shape, data }: { name: string; shape: number[]; data: number[] }) => [
        name,
        { shape, data: Float32Array.from(data) },
      ]),
    ),
};

/** Tensors of a client as the golden answer has them. */
function asJson(outputs: Record<string, { shape: number[]; data: ArrayLike<number | bigint> }>) {
  return {
    model_name: 'iris',
    model_version: '1.0.0',
    outputs: Object.entries(outputs).map(([name, { shape, data }]) => ({
      name,
      datatype: data instanceof BigInt64Array ? 'INT64' : 'FP32',
      shape,
      data: Array.from(data, Number),
    })),
  };
}
