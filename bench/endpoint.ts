// What does an endpoint give: small and large tensors, health while it works, gRPC, memory; against peers and bare onnxruntime.
// GLOWPLUG_BENCH_PEERS=1 installs and starts the peers, GLOWPLUG_BENCH_QUICK=1 is for development.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyModel } from '../test/session/busy-model.ts';
import { againstPeers } from './endpoint/against-peers.ts';
import { grpc } from './endpoint/grpc.ts';
import { health } from './endpoint/health.ts';
import { iris } from './endpoint/iris.ts';
import { largeTensors } from './endpoint/large-tensors.ts';
import { memory } from './endpoint/memory.ts';
import { rec } from './endpoint/rec.ts';
import type { Result } from './measure.ts';

export async function bench(): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-bench-endpoint-'));
  try {
    const busyFile = join(folder, 'busy.onnx');
    await writeFile(busyFile, busyModel());
    return [
      ...(await iris(folder)),
      ...(await againstPeers(folder)),
      ...(await grpc(folder)),
      ...(await largeTensors(folder)),
      ...(await rec()),
      ...(await health(folder, busyFile)),
      ...(await memory(folder)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
