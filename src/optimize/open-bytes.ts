// A session over a model that is in memory: onnxruntime reads files, so it lies in one while it loads.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createOrtSession } from '../session/ort.ts';
import type { Session } from '../session/session.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** `optimized`: its graph was, beforehand. @throws GlowplugError MODEL_INVALID, MODEL_UNSUPPORTED */
export async function openBytes(bytes: Uint8Array, threads: number, optimized = false): Promise<Session> {
  using folder = temporaryFolder('optimize');
  const path = join(folder.path, 'model.onnx');
  await writeFile(path, bytes);
  return await createOrtSession(path, { threads, optimized });
}
