// A model as predict sees it: run it, ask its signature, read a file that was published with it.

import type { Met } from '../batch/work.ts';
import type { Clock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ModelRun } from '../core/request-record.ts';
import type { Signature } from '../core/signature.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import type { LockedVersion } from '../models/version.ts';
import type { BatchedStats, BatchOptions } from '../session/batched.ts';
import type { Lease } from '../session/pool.ts';
import type { RunOptions } from '../session/session.ts';
import type { Tensors } from '../tensor/tensor.ts';
import type { ModelUse, ReferenceOf } from './model-use.ts';
import type { FeedsOf, OutputsOf } from './registry.ts';

export interface Model<R extends string = string> {
  /** As the function wrote it: `iris:prod`. */
  readonly reference: R;
  /**
   * Runs the model once, together with others who run it at that moment where the function says `batch`. The session is
   * opened when it is not yet. Without a signal in `options` the request's own is used: when the caller is gone, a run that
   * has not begun is not begun.
   *
   * @throws GlowplugError INPUT_TENSOR (feeds that are not what the signature says), SESSION_FAILED, MODEL_UNAVAILABLE;
   * batched also QUEUE_FULL, DEADLINE
   */
  run(feeds: FeedsOf<R>, options?: RunOptions): Promise<OutputsOf<R>>;
  /** Name, version, digest, files and signature of the version that answers this request. */
  locked(): Promise<LockedVersion>;
  signature(): Promise<Signature>;
  /** A text file of the version, such as labels.txt. Read once for each host. */
  text(file: string): Promise<string>;
  /** How its requests meet: sizes, waits, what was chosen; undefined when they do not, or its session is not open. */
  batching(): Promise<BatchedStats | undefined>;
  /** Fetches the bytes and opens the session before somebody waits for them. */
  warm(): Promise<void>;
}

/** The models of a function under the names that it gives them. */
export type Models<M extends Readonly<Record<string, ModelUse>>> = {
  readonly [Name in keyof M]: Model<ReferenceOf<M[Name]>>;
};

/** Where models come from: `Environment`, or a test's own. */
export interface ModelHost {
  readonly clock: Clock;
  readonly log: Log;
  /** True where nothing runs between an answer and the next request: default Lambda. */
  readonly freezes: boolean;
  /** What the lock file pins. */
  locked(reference: string): Promise<LockedVersion>;
  store(): Promise<ReadableStore>;
  /** Rejects for a version that the deployment's keys do not trust. */
  verify(version: LockedVersion): Promise<void>;
  text(version: LockedVersion, file: string): Promise<string>;
  lease(version: LockedVersion, signal?: AbortSignal, batch?: BatchOptions): Promise<Lease>;
  /** Opens it beside the versions that answer, never in their place. @throws GlowplugError MEMORY_BUDGET */
  leaseBeside(version: LockedVersion, batch?: BatchOptions): Promise<Lease>;
  batching(version: LockedVersion, batch: BatchOptions | undefined): BatchedStats | undefined;
  isOpen(version: LockedVersion, batch?: BatchOptions): boolean;
  /** Closes its session as soon as nobody runs it. */
  unload(version: LockedVersion, batch?: BatchOptions): Promise<void>;
  /** `to` answers from now on, and `from` no more: its memory goes to who needs it. */
  replace(from: LockedVersion | undefined, to: LockedVersion): void;
}

/** Milliseconds of the host's clock. */
export type TimedRun = Omit<ModelRun, 'model' | 'version'>;

interface ModelOfRequest {
  readonly batch?: BatchOptions | undefined;
  /** The request's: a run that says no other does not begin after it, and leaves its batch. */
  readonly signal?: AbortSignal | undefined;
  /** Throws while the model may not be opened. */
  readonly mayOpen?: () => void;
  /** The request's span, where it has one. */
  readonly by?: TraceContext | undefined;
  /** Hears of each run, and of the spans that shared it. */
  readonly ran?: (
    version: LockedVersion,
    feeds: Tensors,
    outputs: Tensors,
    timed: TimedRun,
    by: readonly TraceContext[] | undefined,
  ) => void;
}

/** The model in the version that `version` gives. */
export function createModel<R extends string>(
  reference: R,
  host: () => ModelHost,
  version: () => Promise<LockedVersion>,
  { batch, signal, ran, by, mayOpen }: ModelOfRequest,
): Model<R> {
  return {
    reference,
    async run(feeds, given) {
      const met: { last?: Met } = {};
      const options = {
        ...given,
        ...(signal && !given?.signal ? { signal } : {}),
        ...(by ? { by } : {}),
        met: (last: Met) => (met.last = last),
      };
      const locked = await this.locked();
      const { clock } = host();
      const from = clock.now();
      // In the same turn as the lease: who unloads waits for those that hold one.
      mayOpen?.();
      using held = await available(reference, () => host().lease(locked, options.signal, batch));
      const leased = clock.now();
      // The registry types what the lock file says; the session checks it again, by value.
      const outputs = await held.session.run(feeds as Tensors, options);
      const { waitedMs = 0, rows = rowsOf(locked, feeds as Tensors), requests = 1 } = met.last ?? {};
      const timed = {
        from,
        to: clock.now(),
        queueMs: leased - from + waitedMs,
        ...shapesOf(locked, feeds as Tensors),
        rows,
        requests,
      };
      ran?.(locked, feeds as Tensors, outputs, timed, met.last?.by);
      return outputs as OutputsOf<R>;
    },
    locked: () => available(reference, version),
    async signature() {
      return (await this.locked()).signature;
    },
    text: (file) => available(reference, async () => await host().text(await version(), file)),
    async batching() {
      return host().batching(await this.locked(), batch);
    },
    async warm() {
      const locked = await this.locked();
      mayOpen?.();
      (await available(reference, () => host().lease(locked, undefined, batch)))[Symbol.dispose]();
    },
  };
}

/** Sizes alone: nothing of what is in them. */
function shapesOf({ signature }: LockedVersion, feeds: Tensors): Pick<ModelRun, 'shapes'> {
  const free = Object.entries(signature.inputs).filter(([, { shape }]) =>
    shape.some((length) => typeof length === 'string'),
  );
  if (free.length === 0) return {};
  return { shapes: Object.fromEntries(free.map(([name]) => [name, feeds[name]?.shape ?? []])) };
}

/** Where the first dimension is free, it is rows. */
function rowsOf({ signature }: LockedVersion, feeds: Tensors): number {
  const [first] = Object.entries(signature.inputs);
  return first && typeof first[1].shape[0] === 'string' ? (feeds[first[0]]?.shape[0] ?? 1) : 1;
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
