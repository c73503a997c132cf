// A channel's move by shares, without a deployment: functions that follow it with `split: { percent: 'rollout' }` take part.
import { GlowplugError } from '../core/errors.ts';
import { findTag, readIndex } from '../models/model-index.ts';
import type { Actor } from '../models/record-move.ts';
import { rollback } from '../models/rollback.ts';
import { setShare, shareOf } from '../models/share.ts';
import type { Store } from '../models/stores/store.ts';
import { tag } from '../models/tag.ts';
import type { Weight } from './rollout.ts';

export interface ChannelMove extends Actor {
  /** The channel of the version that is to come. @default candidate */
  readonly from?: string;
  /** The channel that moves. @default prod */
  readonly to?: string;
  /** The channel does not move below this version. */
  readonly floor?: string | undefined;
}

export function channelWeight(store: Store, model: string, move: ChannelMove = {}): Weight {
  const { from = 'candidate', to = 'prod', floor, ...actor } = move;
  let finished = false;
  const look = async () => {
    const { index = { manifests: [] } } = (await readIndex(store, model)) ?? {};
    const digest = findTag(index.manifests, from)?.digest;
    const same = digest !== undefined && digest === findTag(index.manifests, to)?.digest;
    return { same, underWay: finished || shareOf(index, from)?.digest === digest };
  };
  return {
    async shift(percent) {
      if ((await look()).same) {
        throw new GlowplugError(
          'STORE_CONFLICT',
          `expected ${model}:${from} to name another version than ${model}:${to}`,
          {
            remedy: `Move it to the version that is to come: glowplug tag ${model} <version> --as ${from}.`,
          },
        );
      }
      await setShare(store, model, from, percent);
    },
    async finish() {
      await tag(store, model, { from, to, floor, ...actor });
      finished = true;
      // Both channels name the version now: whoever is on either side gets it.
      await setShare(store, model, from, 0);
    },
    async goBack() {
      const { same, underWay } = await look();
      // A channel that named the version before anything began stays where it is.
      if (same && underWay) await rollback(store, model, { channel: to, ...actor });
      await setShare(store, model, from, 0);
    },
  };
}
