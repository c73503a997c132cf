// Marks a version as not to be used, or takes the mark away. Its bytes stay: what pins its digest goes on.
import { GlowplugError } from '../core/errors.ts';
import { findTag, tagOf } from './model-index.ts';
import type { RecordedMove } from './moves.ts';
import { type Actor, recordMove } from './record-move.ts';
import { isVersionTag } from './reference.ts';
import type { Store } from './stores/store.ts';
import { withYanked, yankedOf } from './yanked.ts';

export interface Yank extends Actor {
  /** The write-once tag, such as `1.3.0`. */
  readonly version: string;
  /** Takes the mark away. */
  readonly undo?: boolean;
}

/**
 * Gives undefined when it is so already. A version that a channel names is not yanked: first the channel is rolled back, so
 * that no channel ever names a yanked version.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, STORE_CONFLICT (a channel names it)
 */
export async function yank(
  store: Store,
  model: string,
  { version, undo = false, ...actor }: Yank,
): Promise<RecordedMove | undefined> {
  const { by = 'unknown', why = '', now = () => new Date() } = actor;
  return await recordMove(store, model, actor, (index) => {
    const { manifests } = index;
    const digest = isVersionTag(version) ? findTag(manifests, version)?.digest : undefined;
    if (!digest) {
      throw new GlowplugError('MODEL_NOT_FOUND', `expected a version of ${model} in ${store.name}, got ${version}`, {
        remedy: `Name a version, such as 1.3.0: glowplug ls ${model} lists them.`,
      });
    }
    if ((yankedOf(manifests, digest) !== undefined) !== undo) return undefined;
    const channels = manifests.filter((one) => one.digest === digest).flatMap((one) => tagOf(one) ?? []);
    const [channel] = channels.filter((tag) => !isVersionTag(tag));
    if (channel !== undefined) {
      throw new GlowplugError('STORE_CONFLICT', `expected no channel to name ${model}:${version}, ${channel} does`, {
        remedy: `Move it first: glowplug rollback ${model} ${channel}.`,
      });
    }
    const mark = undo ? undefined : { by, at: now().toISOString(), why };
    return {
      index: { ...index, manifests: withYanked(manifests, digest, mark) },
      move: { kind: undo ? 'unyank' : 'yank', tag: version, from: digest, to: digest, version },
      watched: [],
    };
  });
}
