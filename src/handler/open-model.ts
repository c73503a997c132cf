// The cold start of one model: its bytes are asked for, onnxruntime loads while they travel, and the session is made over
// weights that are not there yet. It is handed out when every byte was verified.
import type { FetchOptions } from '../models/fetch.ts';
import { type ArrivingModel, fetchModel } from '../models/fetch-model.ts';
import type { Sending } from '../models/sending.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import type { LockedVersion } from '../models/version.ts';
import type { Runtime, Session } from '../session/session.ts';
import type { ColdStart } from './cold-start.ts';

export interface OpenModelOptions extends FetchOptions {
  readonly threads: number;
  /** Of all models of the environment: nothing blocks the process while one of them has a request to send. */
  readonly sending: Sending;
  readonly coldStart: ColdStart;
  readonly runtime: Runtime;
  /** Its graph is one that publishing optimised beforehand. */
  readonly optimized?: boolean;
  /** Of the runtime, once for all models. */
  prepare(): Promise<{ readonly followsWrites: boolean }>;
}

/** Its files stay until the session is disposed. @throws what fetchModel and the runtime throw */
export async function openModel(
  store: ReadableStore,
  locked: LockedVersion,
  options: OpenModelOptions,
): Promise<Session> {
  const { sending, prepare, coldStart } = options;
  const bytes = Object.values(locked.files).reduce((sum, { size }) => sum + size, 0);
  const fetching = Promise.withResolvers<ArrivingModel>();
  const arriving = fetching.promise;
  const arrived = coldStart.recordFetch({ model: locked.model, bytes }, async (verifying) => {
    fetching.resolve(fetchModel(store, locked, { ...options, verifying }));
    await (await arriving).verified;
  });
  arrived.catch(() => {});
  await sending.all();
  const { followsWrites } = await prepare();
  const model = await arriving;
  try {
    return holding(model, await openOver(locked, model, followsWrites, options));
  } catch (error) {
    await model[Symbol.asyncDispose]();
    throw error;
  }
}

async function openOver(
  locked: LockedVersion,
  { path, mapped, fills, verified }: ArrivingModel,
  followsWrites: boolean,
  { runtime, threads, coldStart, optimized }: OpenModelOptions,
): Promise<Session> {
  const maps = mapped && runtime.prepare !== undefined;
  if (!maps || !fills || !followsWrites) await verified;
  const create = () => runtime.create(path, { threads, mapped: maps, ...(optimized ? { optimized } : {}) });
  const session = await coldStart.record('create', { model: locked.model }, create);
  try {
    await verified;
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/** The session; its files are let go when it closes. */
function holding(files: AsyncDisposable, session: Session): Session {
  return {
    signature: session.signature,
    bytes: session.bytes,
    run: (feeds, options) => session.run(feeds, options),
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}
