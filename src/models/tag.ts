// Moves a channel: `prod` to what `1.4.0` names. In what order racing moves happened is the order of the index's writes.
import { GlowplugError } from '../core/errors.ts';
import { refuseBelow } from './floor.ts';
import { type Descriptor, findTag, type ModelIndex, tagOf, versionOf, withTag } from './model-index.ts';
import type { RecordedMove } from './moves.ts';
import { type Actor, recordMove } from './record-move.ts';
import { formatReference, isDigest, isModelName, isTag, isVersionTag } from './reference.ts';
import type { Store } from './stores/store.ts';
import type { Digest } from './version.ts';
import { refuseYanked } from './yanked.ts';

export interface Move extends Actor {
  /** A tag or the digest of a version that is published. */
  readonly from: string;
  /** The channel. */
  readonly to: string;
  /** The channel does not move below this version. */
  readonly floor?: string | undefined;
}

export interface Moved {
  readonly digest: Digest;
  readonly previous: Digest | undefined;
  /** Undefined when the channel named the version already: nothing was written. */
  readonly move: RecordedMove | undefined;
}

/**
 * One GET and one PUT when nobody races; every 64th move of a model costs one PUT more.
 *
 * @throws GlowplugError REFERENCE_INVALID, MODEL_NOT_FOUND, VERSION_YANKED, BELOW_FLOOR, STORE_CONFLICT (somebody moved the
 * same channel meanwhile, or it is a version's tag, which is written once, by publish)
 */
export async function tag(store: Store, model: string, { from, to, floor, ...actor }: Move): Promise<Moved> {
  checkChannel(model, to);
  let target: Descriptor | undefined;
  let previous: Digest | undefined;
  const move = await recordMove(store, model, actor, ({ manifests, ...rest }) => {
    // What the person meant is what `from` named when it was read first.
    target ??= findVersion(store, model, { ...rest, manifests }, from);
    refuseYanked(model, manifests, target.digest);
    const version = versionOf(manifests, target.digest) ?? '';
    refuseBelow(floor, model, version);
    previous = findTag(manifests, to)?.digest;
    if (previous === target.digest) return undefined;
    return {
      index: { ...rest, manifests: withTag(manifests, to, target) },
      move: { kind: 'tag', tag: to, ...(previous ? { from: previous } : {}), to: target.digest, version },
      watched: isDigest(from) ? [to] : [to, from],
    };
  });
  if (!target) throw new GlowplugError('INTERNAL', `expected the move of ${model}:${to} to be known`);
  return { digest: target.digest, previous: move ? move.from : previous, move };
}

/** @throws GlowplugError REFERENCE_INVALID, STORE_CONFLICT */
export function checkChannel(model: string, channel: string): void {
  if (!isModelName(model) || !isTag(channel)) {
    const got = formatReference({ model, tag: channel });
    throw new GlowplugError('REFERENCE_INVALID', `expected a model and a tag, got ${got}`);
  }
  if (!isVersionTag(channel)) return;
  throw new GlowplugError(
    'STORE_CONFLICT',
    `expected a channel, got ${channel}: what begins with a digit is written once`,
    { remedy: 'Name the channel with a letter first, such as prod; versions are tagged by glowplug publish.' },
  );
}

/** Only what has a tag is a version: signatures and pages of history stand in the index, too. */
export function findVersion(store: Store, model: string, { manifests }: ModelIndex, from: string): Descriptor {
  const tagged = manifests.filter((descriptor) => tagOf(descriptor) !== undefined);
  const found = isDigest(from) ? tagged.find(({ digest }) => digest === from) : findTag(tagged, from);
  if (found) return found;
  const tags = tagged.flatMap((descriptor) => tagOf(descriptor) ?? []).slice(-20);
  const held = tags.length > 0 ? `whose tags are ${tags.join(', ')}` : 'which has no version of it';
  throw new GlowplugError('MODEL_NOT_FOUND', `expected ${from} in ${model} of ${store.name}, ${held}`, {
    remedy:
      tags.length > 0
        ? `Name a tag that is there: glowplug ls ${model} lists them; or publish it.`
        : 'Name a model that is there: glowplug ls lists them; or publish it.',
  });
}
