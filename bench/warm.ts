// What does the toolkit cost a warm request, over what onnxruntime itself takes?
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'aws-lambda';
import { publishAll } from 'glowplug/release';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readContract } from '../src/core/contract.ts';
import { openStore } from '../src/models/stores/open-store.ts';
import { parseInferRequest } from '../src/protocol/infer-request.ts';
import { readSamples } from '../src/testing/samples.ts';
import { alternate, atMost, type Result, round } from './measure.ts';

const root = join(import.meta.dirname, '..');

export async function bench(): Promise<Result[]> {
  return [...(await overhead()), await decoding()];
}

/** The function `iris` as deployed, against `session.run` on the same features. */
async function overhead(): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-bench-'));
  try {
    Object.assign(process.env, { GLOWPLUG_STORE: join(folder, 'store'), GLOWPLUG_CACHE: join(folder, 'cache') });
    await publishAll({ root, store: await openStore(readContract()) });
    const { handler } = await import('../functions/iris/function.ts');
    await handler.warm();
    const sample = readSamples(root).find(({ name }) => name === 'iris');
    if (!sample) throw new Error('functions/iris has no sample request');
    const body = Buffer.from(sample.body).toString();
    const headers = { 'content-type': 'application/json' };
    const event = {
      version: '2.0',
      rawPath: '/',
      rawQueryString: '',
      headers,
      requestContext: { domainName: 'iris.example', http: { method: 'POST' } },
      body,
      isBase64Encoded: false,
    };
    const lambda = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 30_000 } as Context;
    const runs = 4000;
    const times = await alternate(
      {
        bare: await bareSession(),
        fetch: () =>
          handler.fetch(new Request('https://iris.example/', { method: 'POST', headers, body })).then((r) => r.text()),
        event: () => handler(event, lambda),
      },
      { runs, warmup: 500 },
    );
    return (['fetch', 'event'] as const).map((name) =>
      atMost({
        case: `iris by ${name === 'fetch' ? '.fetch' : 'function URL event'}`,
        metric: 'p50 over a bare session.run',
        value: times[name].median - times.bare.median,
        unit: 'ms',
        against: `bare session.run, p50 ${round(times.bare.median)} ms`,
        ratio: round(times[name].median / times.bare.median),
        reach: 0.15,
        runs,
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** onnxruntime alone, with the options that a session of glowplug has. */
async function bareSession() {
  const session = await InferenceSession.create(join(root, 'models/iris/iris.onnx'), {
    executionProviders: ['cpu'],
    intraOpNumThreads: availableParallelism(),
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const feeds = { x: new Tensor('float32', Float32Array.of(5.1, 3.5, 1.4, 0.2), [1, 4]) };
  return () => session.run(feeds);
}

/** 600 KB of FP32 as the protocol's JSON: parsed, checked and typed, against `JSON.parse` alone. */
async function decoding(): Promise<Result> {
  const data: number[] = [];
  let bytes = 0;
  for (let i = 0; bytes < 600_000; i++) {
    const value = Math.fround(Math.sin(i) * 3);
    data.push(value);
    bytes += String(value).length + 1;
  }
  const text = JSON.stringify({ inputs: [{ name: 'x', shape: [1, data.length], datatype: 'FP32', data }] });
  const runs = 300;
  const times = await alternate(
    { parse: () => JSON.parse(text), decode: () => parseInferRequest(text) },
    { runs, warmup: 30 },
  );
  const ratio = times.decode.median / times.parse.median;
  return atMost({
    case: '600 KB of FP32 as protocol JSON',
    metric: 'time over JSON.parse of the same body',
    value: ratio,
    unit: '×',
    against: `JSON.parse, p50 ${round(times.parse.median)} ms`,
    ratio: round(ratio),
    reach: 1.5,
    runs,
  });
}
