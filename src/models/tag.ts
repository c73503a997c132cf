// Moves a channel: `prod` to what `1.4.0` names. In what order racing moves happened is the order of the index's writes.
import { GlowplugError } from '../core/errors.ts';
import { editIndex, findTag, tagOf, withTag } from './model-index.ts';
import { formatReference, isDigest, isModelName, isTag, isVersionTag } from './reference.ts';
import type { Store } from './stores/store.ts';
import type { Digest } from './version.ts';

export interface Move {
  /** A tag or the digest of a version that is published. */
  readonly from: string;
  /** The channel. */
  readonly to: string;
}

/** @throws GlowplugError REFERENCE_INVALID, MODEL_NOT_FOUND, STORE_CONFLICT (a version's tag is written once, by publish) */
export async function tag(
  store: Store,
  model: string,
  { from, to }: Move,
): Promise<{ readonly digest: Digest; readonly previous: Digest | undefined }> {
  if (!isModelName(model) || !isTag(to)) {
    throw new GlowplugError(
      'REFERENCE_INVALID',
      `expected a model and a tag, got ${formatReference({ model, tag: to })}`,
    );
  }
  if (isVersionTag(to)) {
    throw new GlowplugError(
      'STORE_CONFLICT',
      `expected a channel, got ${to}: what begins with a digit is written once`,
      {
        remedy: 'Name the channel with a letter first, such as prod; versions are tagged by glowplug publish.',
      },
    );
  }
  let moved: { digest: Digest; previous: Digest | undefined } | undefined;
  await editIndex(store, model, (manifests) => {
    const target = isDigest(from) ? manifests.find((one) => one.digest === from) : findTag(manifests, from);
    if (!target) {
      const tags = manifests.flatMap((descriptor) => tagOf(descriptor) ?? []);
      throw new GlowplugError(
        'MODEL_NOT_FOUND',
        `expected ${from} in ${model} of ${store.name}, ${tags.length > 0 ? `whose tags are ${tags.slice(-20).join(', ')}` : 'which has no version of it'}`,
      );
    }
    const previous = findTag(manifests, to)?.digest;
    moved = { digest: target.digest, previous };
    return previous === target.digest ? undefined : withTag(manifests, to, target);
  });
  if (!moved) throw new GlowplugError('INTERNAL', `expected the move of ${model}:${to} to be known`);
  return moved;
}
