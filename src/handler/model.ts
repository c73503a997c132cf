// A model as predict sees it: run it, ask its signature, read a file that was published with it.
import { GlowplugError } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import type { LockedVersion } from '../models/version.ts';
import type { Lease } from '../session/pool.ts';
import type { Tensors } from '../tensor/tensor.ts';
import type { FeedsOf, OutputsOf } from './registry.ts';

export interface Model<R extends string = string> {
  /** As the function wrote it: `iris:prod`. */
  readonly reference: R;
  /**
   * Runs the model once. The session is opened when it is not yet.
   *
   * @throws GlowplugError INPUT_TENSOR (feeds that are not what the signature says), SESSION_FAILED, MODEL_UNAVAILABLE
   */
  run(feeds: FeedsOf<R>, options?: { signal?: AbortSignal }): Promise<OutputsOf<R>>;
  /** Name, version, digest, files and signature, as the lock file pins them. */
  locked(): Promise<LockedVersion>;
  signature(): Promise<Signature>;
  /** A text file of the version, such as labels.txt. Read once for each host. */
  text(file: string): Promise<string>;
  /** Fetches the bytes and opens the session before somebody waits for them. */
  warm(): Promise<void>;
}

/** The models of a function under the names that it gives them. */
export type Models<M extends Readonly<Record<string, string>>> = { readonly [Name in keyof M]: Model<M[Name]> };

/** Where models come from: `Environment`, or a test's own. */
export interface ModelHost {
  locked(reference: string): Promise<LockedVersion>;
  text(reference: string, file: string): Promise<string>;
  lease(reference: string, signal?: AbortSignal): Promise<Lease>;
}

export function createModel<R extends string>(reference: R, host: ModelHost): Model<R> {
  const lease = (signal?: AbortSignal) => available(reference, () => host.lease(reference, signal));
  return {
    reference,
    async run(feeds, options) {
      using held = await lease(options?.signal);
      // The registry types what the lock file says; the session checks it again, by value.
      return (await held.session.run(feeds as Tensors, options)) as OutputsOf<R>;
    },
    locked: () => available(reference, () => host.locked(reference)),
    async signature() {
      return (await this.locked()).signature;
    },
    text: (file) => available(reference, () => host.text(reference, file)),
    async warm() {
      (await lease())[Symbol.dispose]();
    },
  };
}

/** A model that cannot be loaded is never the caller's fault, whatever the code of the cause says. */
async function available<T>(reference: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (cause instanceof GlowplugError && cause.status >= 500) throw cause;
    throw new GlowplugError('MODEL_UNAVAILABLE', `${reference} cannot be loaded`, { cause });
  }
}
