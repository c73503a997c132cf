// Which share of the requests the version behind a channel gets, written beside the tags: a rollout moves it, functions follow it.
import { GlowplugError } from '../core/errors.ts';
import { annotated, annotationOf, findTag, type ModelIndex, swapIndex } from './model-index.ts';
import { isDigest } from './reference.ts';
import type { Store } from './stores/store.ts';
import type { Digest } from './version.ts';

export interface Share {
  /** 0 to 100. */
  readonly percent: number;
  /** The version it is for: a channel that moves takes no share along. */
  readonly digest: Digest;
}

export function shareOf(index: ModelIndex, channel: string): Share | undefined {
  const [percent, digest] = annotationOf(index, `${prefix}${channel}`)?.split(' ') ?? [];
  return isDigest(digest) && isPercent(Number(percent)) ? { percent: Number(percent), digest } : undefined;
}

/** Of the version that the channel names now; where there is none, 0 is what it has. @throws GlowplugError MODEL_NOT_FOUND, CONFIG_INVALID, STORE_CONFLICT */
export async function setShare(store: Store, model: string, channel: string, percent: number): Promise<void> {
  if (!isPercent(percent)) {
    throw new GlowplugError('CONFIG_INVALID', `expected a share of 0 to 100 percent, got ${percent}`, {
      remedy: 'Name it in percent, such as 10.',
    });
  }
  await swapIndex(store, model, (index) => {
    const target = findTag(index.manifests, channel);
    if (!target && percent === 0) return undefined;
    if (!target) {
      throw new GlowplugError('MODEL_NOT_FOUND', `expected ${model}:${channel} in ${store.name}`, {
        remedy: `Move it to the version that is to come: glowplug tag ${model} <version> --as ${channel}.`,
      });
    }
    const value = percent === 0 ? undefined : `${percent} ${target.digest}`;
    return annotationOf(index, `${prefix}${channel}`) === value
      ? undefined
      : annotated(index, `${prefix}${channel}`, value);
  });
}

function isPercent(value: number): boolean {
  return value >= 0 && value <= 100;
}

const prefix = 'glowplug.share.';
