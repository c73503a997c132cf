// Small tensors over gRPC beside REST, 64 at once. No bar: grpc-js, on both ends, is the limit.
import { join } from 'node:path';
import { createWorkerSession } from '../../src/session/worker.ts';
import { grpcClient } from '../../test/server/grpc-client.ts';
import { type Result, round, sample } from '../measure.ts';
import { loadClient } from './load.ts';
import { flower, httpRequest, ms, root, rounds, serverOver } from './serving.ts';

export async function grpc(folder: string): Promise<Result[]> {
  const served = await serverOver(join(root, 'models/iris/iris.onnx'), folder, createWorkerSession);
  await using rest = loadClient();
  const client = grpcClient(served.server.grpcPort ?? 0);
  const request = httpRequest('/v2/models/iris/infer', flower);
  const seen: { grpc: number; rest: number }[] = [];
  for (let run = -1; run < rounds; run++) {
    const loaded = await rest.run({ port: served.server.port, request, connections: 64, ms });
    const calls = await callsPerSecond(client.call);
    if (run >= 0) seen.push({ grpc: calls, rest: loaded.perSecond });
  }
  client.close();
  await served.close();
  const value = sample(seen.map((one) => one.grpc)).median;
  const against = sample(seen.map((one) => one.rest)).median;
  return [
    {
      case: 'iris over gRPC, 64 calls at once, the client in the same process',
      metric: 'calls/s',
      value: Math.round(value),
      unit: '/s',
      against: `REST, its client in another thread: ${Math.round(against)} /s`,
      ratio: round(value / against),
      runs: rounds,
    },
  ];
}

async function callsPerSecond(call: ReturnType<typeof grpcClient>['call']): Promise<number> {
  const raw = Buffer.from(Float32Array.of(5.1, 3.5, 1.4, 0.2).buffer);
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4] }];
  const message = { model_name: 'iris', inputs, raw_input_contents: [raw] };
  const start = performance.now();
  let calls = 0;
  const loop = async () => {
    for (; performance.now() - start < ms; calls++) {
      const { status, details } = await call('ModelInfer', message);
      if (status !== 0) throw new Error(details);
    }
  };
  await Promise.all(Array.from({ length: 64 }, loop));
  return (calls * 1000) / (performance.now() - start);
}
