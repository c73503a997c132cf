// The cold start of one model: its bytes are asked for, onnxruntime loads while they travel, and the session is made over
// weights that are not there yet. It is handed out when every byte was verified.
import { fetchFile } from '../models/fetch.ts';
import { fetchModel } from '../models/fetch-model.ts';
import type { Sending } from '../models/sending.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import { type LockedVersion, weightsFile } from '../models/version.ts';
import type { Runtime, Session } from '../session/session.ts';

export interface OpenModelOptions {
  readonly cacheDir: string;
  readonly threads: number;
  /** Of all models of the environment: nothing blocks the process while one of them has a request to send. */
  readonly sending: Sending;
  readonly runtime: Runtime;
  /** Of the runtime, once for all models. */
  prepare(): Promise<{ readonly followsWrites: boolean }>;
}

/** @throws what fetchModel and the runtime throw */
export async function openModel(
  store: ReadableStore,
  locked: LockedVersion,
  options: OpenModelOptions,
): Promise<Session> {
  const { cacheDir, threads, sending, runtime, prepare } = options;
  const arriving = fetchModel(store, locked, { cacheDir, sending });
  // Labels and the like: predict asks for them soon.
  const others = Object.keys(locked.files)
    .filter((name) => name !== 'model.onnx' && name !== weightsFile)
    .map((name) => fetchFile(store, locked, name, { cacheDir, sending }));
  void Promise.allSettled([arriving, ...others]);

  await sending.all();
  const { followsWrites } = await prepare();
  await using model = await arriving;
  const { path, mapped, verified } = model;
  if (!mapped || !followsWrites) await verified;
  const session = await runtime.create(path, { threads, mapped });
  try {
    await verified;
    await Promise.all(others);
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}
