// 602 KB in and out as bytes, through a model of some tens of milliseconds: what is left of bare onnxruntime, over HTTP, and beside
// other servers. Those have no binary form of tensors: they take and give the bytes as Base64 in JSON.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataType as Type } from 'onnx-buf';
import { createOrtSession } from '../../src/session/ort.ts';
import { severalAtOnce } from '../../src/session/several.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { bytesOf, tinyGraph, value } from '../../test/onnx/tiny-model.ts';
import { atLeast, type Result, round, sample } from '../measure.ts';
import { loadClient } from './load.ts';
import { type RunningPeer, startPeers } from './peers.ts';
import { perSecond } from './rec.ts';
import { httpRequest, ms, rounds, serverOver } from './serving.ts';

const [ROWS, WIDTH, LAYERS] = [392, 384, 24];

const data = new Float32Array(ROWS * WIDTH).fill(0.1);
const connections = 4;

export async function largeTensors(folder: string): Promise<Result[]> {
  const file = join(folder, 'layers.onnx');
  await writeFile(file, layers());
  const { running, missing } = await startPeers(file, await mkdtemp(join(folder, 'peers-')), packed());
  for (const why of missing) console.log(`no peer: ${why}`);
  try {
    return await measure(file, folder, running);
  } finally {
    for (const peer of running) await peer[Symbol.asyncDispose]();
  }
}

async function measure(file: string, folder: string, peers: readonly RunningPeer[]): Promise<Result[]> {
  await using client = loadClient();
  await using here = await createOrtSession(file, { threads: availableParallelism() });
  const cores = availableParallelism();
  const served = await serverOver(file, folder, createWorkerSession);
  // The same threads: as many runs at once as there are cores, of one thread each (`glowplug serve --runs`).
  const inRuns = await serverOver(file, folder, severalAtOnce(createWorkerSession, cores));
  const asked = async ({ port }: { readonly port: number }) =>
    (await client.run({ port, request: binary(), connections, ms })).perSecond;
  const feeds = () => ({ x: tensor('FP32', [ROWS, WIDTH], data) });
  const contestants = {
    onnxruntime: () => perSecond(here, 1, feeds),
    glowplug: () => asked(served.server),
    'glowplug in runs': () => asked(inRuns.server),
    ...Object.fromEntries(
      peers.map(({ name, port, path }) => [
        name,
        async () => (await client.run({ port, request: httpRequest(path, packed()), connections, ms })).perSecond,
      ]),
    ),
  };
  const seen: Record<string, number>[] = [];
  for (let run = -1; run < rounds; run++) {
    const round: Record<string, number> = {};
    for (const [name, perSecondOf] of Object.entries(contestants)) round[name] = await perSecondOf();
    if (run >= 0) seen.push(round);
  }
  await served.close();
  await inRuns.close();
  const of = (name: string) => sample(seen.map((round) => round[name] ?? Number.NaN)).median;
  const over = (name: string, ours = 'glowplug') =>
    sample(seen.map((round) => (round[ours] ?? 0) / (round[name] ?? 0)));
  const bare = over('onnxruntime');
  const what = `602 KB in and out, a run of ${round(1000 / of('onnxruntime'))} ms, ${connections} connections`;
  const fastest = peers.map(({ name }) => name).sort((a, b) => of(b) - of(a))[0];
  return [
    atLeast({
      case: `${what} (p10–p90 ${round(bare.p10)}–${round(bare.p90)})`,
      metric: 'requests/s over onnxruntime in a loop',
      value: bare.median,
      unit: '×',
      against: `onnxruntime: ${round(of('onnxruntime'))} /s`,
      reach: 0.9,
      runs: rounds,
    }),
    ...(fastest === undefined
      ? []
      : [
          atLeast({
            case: `${what}, ${cores} runs at once: glowplug ${round(of('glowplug in runs'))} /s`,
            metric: `requests/s over ${fastest}’s`,
            value: over(fastest, 'glowplug in runs').median,
            unit: '×',
            against: peers.map(({ name }) => `${name} ${round(of(name))} /s`).join('; '),
            reach: 2,
            runs: rounds,
          }),
        ]),
  ];
}

/** The bytes as the other servers take them. */
function packed(): string {
  const base64 = Buffer.from(data.buffer).toString('base64');
  const parameters = { shape: [ROWS, WIDTH] };
  return JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'BYTES', parameters, data: [base64] }] });
}

/** JSON and bytes, as Triton's clients send them. */
function binary(): string {
  const inputs = [
    { name: 'x', shape: [ROWS, WIDTH], datatype: 'FP32', parameters: { binary_data_size: data.byteLength } },
  ];
  const json = JSON.stringify({ inputs, parameters: { binary_data_output: true } });
  const head = `inference-header-content-length: ${json.length}\r\ncontent-length: ${json.length + data.byteLength}`;
  const bytes = Buffer.from(data.buffer).toString('latin1');
  return `POST /v2/models/layers/infer HTTP/1.1\r\nhost: bench\r\n${head}\r\n\r\n${json}${bytes}`;
}

/** x → x · W → sin, again and again. */
function layers(): Uint8Array {
  const weights = Float32Array.from({ length: WIDTH * WIDTH }, (_, at) => Math.sin(at) / WIDTH);
  const node = Array.from({ length: LAYERS }, (_, at) => [
    { opType: 'MatMul', input: [at === 0 ? 'x' : `s${at - 1}`, 'w'], output: [`m${at}`] },
    { opType: 'Sin', input: [`m${at}`], output: [at === LAYERS - 1 ? 'y' : `s${at}`] },
  ]).flat();
  const dims = [BigInt(WIDTH), BigInt(WIDTH)];
  return bytesOf(
    tinyGraph({
      initializer: [{ name: 'w', dataType: Type.FLOAT, dims, rawData: new Uint8Array(weights.buffer) }],
      input: [value('x', [ROWS, WIDTH])],
      output: [value('y', [ROWS, WIDTH])],
      node,
    }),
  );
}
