// 602 KB in and out as bytes, through a model of some tens of milliseconds: what is left of bare onnxruntime, over HTTP.
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataType as Type } from 'onnx-buf';
import { createOrtSession } from '../../src/session/ort.ts';
import { createWorkerSession } from '../../src/session/worker.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { bytesOf, tinyGraph, value } from '../../test/onnx/tiny-model.ts';
import { atLeast, type Result, round, sample } from '../measure.ts';
import { loadClient } from './load.ts';
import { perSecond } from './rec.ts';
import { ms, rounds, serverOver } from './serving.ts';

const [ROWS, WIDTH, LAYERS] = [392, 384, 24];

export async function largeTensors(folder: string): Promise<Result[]> {
  const file = join(folder, 'layers.onnx');
  await writeFile(file, layers());
  const threads = availableParallelism();
  await using client = loadClient();
  await using here = await createOrtSession(file, { threads });
  const served = await serverOver(file, folder, createWorkerSession);
  const data = new Float32Array(ROWS * WIDTH).fill(0.1);
  const feeds = () => ({ x: tensor('FP32', [ROWS, WIDTH], data) });
  const load = { port: served.server.port, request: requestOf(data), connections: 4, ms };
  const seen: { bare: number; http: number }[] = [];
  for (let run = -1; run < rounds; run++) {
    const bare = await perSecond(here, 1, feeds);
    const http = (await client.run(load)).perSecond;
    if (run >= 0) seen.push({ bare, http });
  }
  await served.close();
  const ratios = sample(seen.map(({ bare, http }) => http / bare));
  const bare = sample(seen.map((one) => one.bare)).median;
  return [
    atLeast({
      case: `602 KB in and out as bytes, a run of ${round(1000 / bare)} ms, 4 connections (p10–p90 ${round(ratios.p10)}–${round(ratios.p90)})`,
      metric: 'requests/s over onnxruntime in a loop',
      value: ratios.median,
      unit: '×',
      against: `onnxruntime: ${round(bare)} /s`,
      reach: 0.9,
      runs: rounds,
    }),
  ];
}

/** JSON and bytes, as Triton's clients send them. */
function requestOf(data: Float32Array): string {
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
