// The cold start of one model: its bytes are asked for, onnxruntime loads while they travel, and the session is made over
// weights that are not there yet. It is handed out when every byte was verified.
import { fetchFile } from '../models/fetch.ts';
import { fetchModel } from '../models/fetch-model.ts';
import type { Sending } from '../models/sending.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import { type LockedVersion, weightsFile } from '../models/version.ts';
import type { Runtime, Session } from '../session/session.ts';
import type { ColdStart } from './cold-start.ts';

export interface OpenModelOptions {
  readonly cacheDir: string;
  readonly threads: number;
  /** Of all models of the environment: nothing blocks the process while one of them has a request to send. */
  readonly sending: Sending;
  readonly coldStart: ColdStart;
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
  const { cacheDir, threads, sending, coldStart, runtime, prepare } = options;
  const about = { model: locked.model };
  const arriving = fetchModel(store, locked, { cacheDir, sending });
  const bytes = Object.values(locked.files).reduce((sum, { size }) => sum + size, 0);
  const arrived = coldStart.record('fetch', { ...about, bytes }, async () => await (await arriving).verified);
  // Labels and the like: predict asks for them soon.
  const others = Object.keys(locked.files)
    .filter((name) => name !== 'model.onnx' && name !== weightsFile)
    .map((name) => fetchFile(store, locked, name, { cacheDir, sending }));
  void Promise.allSettled([arrived, ...others]);

  await sending.all();
  const { followsWrites } = await prepare();
  await using model = await arriving;
  if (!model.mapped || !followsWrites) await arrived;
  const create = () => runtime.create(model.path, { threads, mapped: model.mapped });
  const session = await coldStart.record('create', about, create);
  try {
    await arrived;
    await Promise.all(others);
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}
