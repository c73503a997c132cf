// Runs a model by onnxruntime, from its bytes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnnxModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';

/** The outputs for each of the feeds. */
export async function runModel(model: OnnxModel, feeds: readonly Tensors[]): Promise<Tensors[]> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-optimize-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, writeModel(model));
    await using session = await createOrtSession(path, { threads: 1 });
    const results: Tensors[] = [];
    for (const one of feeds) results.push(await session.run(one));
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
