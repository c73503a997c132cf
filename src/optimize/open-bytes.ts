// A session over a model that is in memory: onnxruntime reads files, so it lies in one while it loads.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrtSession } from '../session/ort.ts';
import type { Session } from '../session/session.ts';

/** `optimized`: its graph was, beforehand. @throws GlowplugError MODEL_INVALID, MODEL_UNSUPPORTED */
export async function openBytes(bytes: Uint8Array, threads: number, optimized = false): Promise<Session> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-optimize-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, bytes);
    return await createOrtSession(path, { threads, optimized });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
