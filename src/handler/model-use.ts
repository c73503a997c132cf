// What a function says of one of its models: the reference alone, or with whom and how it changes.
import { GlowplugError, shorten } from '../core/errors.ts';
import { isVersionTag, parseReference } from '../models/reference.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import type { LockedVersion } from '../models/version.ts';
import type { BatchOptions } from '../session/batched.ts';

/** A reference (`'rec:prod'`), which the lock file pins, or a reference with more. */
export type ModelUse = string | ModelOptions;

export interface ModelOptions {
  /** The reference, written out. */
  readonly model: string;
  /** Moves of the channel reach the function without a deployment. `split` and `shadow` follow theirs too. */
  readonly follow?: Follow;
  /** Some of the requests are answered by another version. */
  readonly split?: Split;
  /** Another version runs on the same feeds, after the answer, and its outputs are compared. */
  readonly shadow?: Shadow;
  /** Requests that run the model at the same time share runs. */
  readonly batch?: BatchOptions;
}

export interface Follow {
  /** Seconds: the channel is looked up at most this often. */
  readonly every: number;
  /** Rejects for a version that must not be loaded. Runs before its bytes are fetched. */
  readonly verify?: (store: ReadableStore, version: LockedVersion) => Promise<void>;
}

export interface Split {
  /** The reference of the other version, written out. */
  readonly to: string;
  /** Share of the requests' keys; `rollout`: what a rollout says in the store, 0 where none is under way. Needs `follow`. */
  readonly percent: number | 'rollout';
  /**
   * What keeps a caller with one version: a header's name, or what a function makes of the request. A request without a
   * key is split by its own id.
   */
  readonly by: string | ((request: Request) => string | null | undefined);
}

export interface Shadow {
  /** The reference of the other version, written out. */
  readonly model: string;
  /** Largest difference that counts as none: absolute below 1, relative above. @default 0.001 */
  readonly tolerance?: number;
  /** Share of the runs that are repeated: each costs a run of the other version. @default 100 */
  readonly percent?: number;
}

/** The reference within a use, as a type: models.d.ts knows it. */
export type ReferenceOf<U> = U extends { readonly model: infer R extends string } ? R : U extends string ? U : never;

/** A use as it may be spelled, as a type: an option of another name, which would be off without a word, does not compile. */
export type Spelled<U> = U extends string ? U : Known<U, ModelOptions>;

type Known<T, Options> = {
  readonly [Name in keyof T]: Name extends keyof Options
    ? T[Name] extends string | ((...given: never) => unknown)
      ? T[Name]
      : T[Name] extends object
        ? Known<T[Name], NonNullable<Options[Name]>>
        : T[Name]
    : never;
};

/** @throws GlowplugError CONFIG_INVALID, REFERENCE_INVALID */
export function readUse(name: string, use: ModelUse): ModelOptions {
  if (typeof use === 'string') return { model: use };
  const { model, follow, split, shadow } = use;
  if (follow) {
    check(Number.isFinite(follow.every) && follow.every > 0, `${name}.follow.every`, 'seconds, above 0', follow.every);
    for (const reference of [model, split?.to, shadow?.model]) {
      const { tag, digest } = reference === undefined ? {} : parseReference(reference);
      const moves = tag !== undefined && !isVersionTag(tag) && digest === undefined;
      check(moves || reference === undefined, `${name}.follow`, 'a channel such as prod to follow', reference);
    }
  }
  if (split?.percent === 'rollout') {
    check(follow !== undefined, `${name}.follow`, 'seconds, so that a rollout reaches the function', follow);
  } else if (split) check(isPercent(split.percent), `${name}.split.percent`, '0 to 100', split.percent);
  if (shadow) {
    const { percent = 100, tolerance = 0 } = shadow;
    check(isPercent(percent), `${name}.shadow.percent`, '0 to 100', percent);
    check(tolerance >= 0, `${name}.shadow.tolerance`, 'a number, 0 or more', tolerance);
  }
  return use;
}

function isPercent(value: number): boolean {
  return value >= 0 && value <= 100;
}

function check(holds: boolean, what: string, expected: string, got: unknown): void {
  if (holds) return;
  throw new GlowplugError('CONFIG_INVALID', `models.${what}: expected ${expected}, got ${shorten(got)}`, {
    remedy: 'Mend the models of inference({ … }).',
  });
}
