// Takes a channel back to what it named before. Twice goes one further back: it walks the history and never toggles.
import { GlowplugError } from '../core/errors.ts';
import { refuseBelow } from './floor.ts';
import { findTag, type ModelIndex, versionOf, withTag } from './model-index.ts';
import { latestMoves, olderMoves, type RecordedMove } from './moves.ts';
import { type Actor, recordMove } from './record-move.ts';
import type { Store } from './stores/store.ts';
import { checkChannel, findVersion } from './tag.ts';
import type { Digest } from './version.ts';
import { yankedOf } from './yanked.ts';

export interface Rollback extends Actor {
  readonly channel: string;
  /** The channel does not move below this version. */
  readonly floor?: string | undefined;
}

/**
 * Passes over versions that are yanked or gone.
 *
 * @throws GlowplugError MODEL_NOT_FOUND (no such channel, or nothing before), BELOW_FLOOR, STORE_CONFLICT (somebody moved it)
 */
export async function rollback(
  store: Store,
  model: string,
  { channel, floor, ...actor }: Rollback,
): Promise<RecordedMove> {
  checkChannel(model, channel);
  const move = await recordMove(store, model, actor, async (index) => {
    const from = findVersion(store, model, index, channel).digest;
    const target = await earlier(store, model, index, channel);
    const version = versionOf(index.manifests, target.digest) ?? '';
    refuseBelow(floor, model, version);
    return {
      index: { ...index, manifests: withTag(index.manifests, channel, target) },
      move: { kind: 'rollback', tag: channel, from, to: target.digest, version },
      watched: [channel],
    };
  });
  if (!move) throw new GlowplugError('INTERNAL', `expected the rollback of ${model}:${channel} to be known`);
  return move;
}

/** The descriptor to go back to. Reads older pages of history only when those in the index do not tell. */
async function earlier(store: Store, model: string, index: ModelIndex, channel: string) {
  const { manifests } = index;
  const current = findTag(manifests, channel)?.digest;
  const pages = olderMoves(store, model, index);
  for (let moves = latestMoves(index); ; ) {
    const below = stackOf(moves, channel, current)?.slice(0, -1) ?? [];
    const to = below.findLast(
      (digest) => digest !== current && versionOf(manifests, digest) !== undefined && !yankedOf(manifests, digest),
    );
    const target = manifests.find(({ digest }) => digest === to);
    if (target) return target;
    const { value: older, done } = await pages.next();
    if (done) {
      throw new GlowplugError(
        'MODEL_NOT_FOUND',
        `expected a version that ${model}:${channel} named before, found none`,
        {
          remedy: `Look at glowplug history ${model}, and move the channel to a version: glowplug tag ${model} <version> --as ${channel}.`,
        },
      );
    }
    moves = [...older, ...moves];
  }
}

/**
 * What the channel named, what it names now on top: a move puts a version on it, a rollback takes versions off. What other
 * tools did shows as a gap between two moves. Undefined when moves before these are needed.
 */
function stackOf(moves: readonly RecordedMove[], channel: string, current: Digest | undefined): Digest[] | undefined {
  const stack: Digest[] = [];
  const put = (digest: Digest | undefined) => {
    if (digest !== undefined && stack.at(-1) !== digest) stack.push(digest);
  };
  for (const { kind, tag, from, to } of moves) {
    if (tag !== channel) continue;
    put(from);
    if (kind === 'tag') stack.push(to);
    else {
      stack.pop();
      while (stack.length > 0 && stack.at(-1) !== to) stack.pop();
      if (stack.length === 0) return undefined;
    }
  }
  put(current);
  return stack;
}
