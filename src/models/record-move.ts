// One move of a tag with its record, by compare-and-swap: both stand in the index, so neither is ever there alone.
import { randomUUID } from 'node:crypto';
import { GlowplugError, shorten } from '../core/errors.ts';
import { findTag, type ModelIndex, swapIndex } from './model-index.ts';
import { latestMoves, type RecordedMove, withMove } from './moves.ts';
import type { Store } from './stores/store.ts';

/** Who does it and why, as the history tells it to colleagues. */
export interface Actor {
  /** @default 'unknown' */
  readonly by?: string;
  readonly why?: string;
  /** @default the machine's clock */
  readonly now?: () => Date;
}

/** What is to be written: the index, and what the history says of it. */
export interface Decision {
  readonly index: ModelIndex;
  readonly move: Pick<RecordedMove, 'kind' | 'tag' | 'from' | 'to' | 'version'>;
  /** Tags on which the decision rests: when one was moved since, it is not for us to decide again. */
  readonly watched: readonly string[];
}

/**
 * `decide` sees the index as it is, again after each lost race; it gives undefined when there is nothing to do.
 *
 * @throws GlowplugError STORE_CONFLICT naming the winner when a watched tag was moved meanwhile
 */
export async function recordMove(
  store: Store,
  model: string,
  { by = 'unknown', why = '', now = () => new Date() }: Actor,
  decide: (index: ModelIndex) => Decision | undefined | Promise<Decision | undefined>,
): Promise<RecordedMove | undefined> {
  checkLength('by', by, 100);
  checkLength('why', why, 500);
  const id = randomUUID();
  let seen: ModelIndex | undefined;
  let recorded: RecordedMove | undefined;
  await swapIndex(store, model, async (index) => {
    // The answer to our own write was lost, and it was taken for another's.
    recorded = latestMoves(index).find((move) => move.id === id);
    if (recorded) return undefined;
    const decision = await decide(index);
    if (!decision) return undefined;
    seen ??= index;
    for (const tag of decision.watched) refuseWhenMoved(model, tag, seen, index);
    const number = (latestMoves(index).at(-1)?.number ?? 0) + 1;
    recorded = { number, id, ...decision.move, by, at: now().toISOString(), why };
    return await withMove(store, model, decision.index, recorded);
  });
  return recorded;
}

function refuseWhenMoved(model: string, tag: string, seen: ModelIndex, index: ModelIndex): void {
  const before = latestMoves(seen).at(-1)?.number ?? 0;
  const winner = latestMoves(index).findLast((move) => move.number > before && move.tag === tag);
  const digest = findTag(index.manifests, tag)?.digest;
  if (!winner && digest === findTag(seen.manifests, tag)?.digest) return;
  const how = winner
    ? `${winner.by} moved it to ${winner.version || winner.to} at ${winner.at}${winner.why ? `: ${winner.why}` : ''}`
    : `another tool moved it to ${digest ?? 'nothing'}`;
  throw new GlowplugError('STORE_CONFLICT', `expected ${model}:${tag} to stay as it was, meanwhile ${how}`, {
    remedy: `Look at glowplug history ${model}, then decide again.`,
  });
}

function checkLength(name: string, text: string, limit: number): void {
  if (text.length <= limit) return;
  throw new GlowplugError('INPUT_TOO_LARGE', `${name}: expected at most ${limit} characters, got ${shorten(text)}`);
}
