// What the tests of tags share: versions in a store, and how a channel and its history are read.
import { history } from '../../src/models/history.ts';
import { findTag, readIndex, versionOf } from '../../src/models/model-index.ts';
import type { RecordedMove } from '../../src/models/moves.ts';
import { publish } from '../../src/models/publish.ts';
import type { ReadableStore, Store } from '../../src/models/stores/store.ts';
import { tinyVersion } from '../models/tiny-version.ts';

export async function publishVersions(store: Store, ...versions: string[]): Promise<void> {
  for (const version of versions) await publish(store, tinyVersion(version));
}

/** The version that a channel names. */
export async function versionAt(store: ReadableStore, channel: string): Promise<string | undefined> {
  const { manifests = [] } = (await readIndex(store, 'tiny')) ?? {};
  const found = findTag(manifests, channel);
  return found && versionOf(manifests, found.digest);
}

/** The whole history, the oldest move first. */
export async function movesOf(store: ReadableStore): Promise<RecordedMove[]> {
  const moves: RecordedMove[] = [];
  for await (const move of history(store, 'tiny')) moves.unshift(move);
  return moves;
}

/**
 * What is wrong with a history: numbers with a gap, a move that does not begin where the one before it ended, a channel that
 * does not name what its last move says.
 */
export async function flawsOf(store: ReadableStore): Promise<string[]> {
  const flaws: string[] = [];
  const at = new Map<string, string>();
  const moves = await movesOf(store);
  for (const [index, { number, kind, tag, from, to }] of moves.entries()) {
    if (number !== index + 1) flaws.push(`move ${index + 1} has the number ${number}`);
    if (kind === 'yank' || kind === 'unyank') continue;
    if (from !== at.get(tag)) flaws.push(`move ${number} of ${tag} begins at ${from}, it was at ${at.get(tag)}`);
    at.set(tag, to);
  }
  const { manifests = [] } = (await readIndex(store, 'tiny')) ?? {};
  for (const [tag, digest] of at) {
    const now = findTag(manifests, tag)?.digest;
    if (now !== digest) flaws.push(`${tag} names ${now}, its last move says ${digest}`);
  }
  return flaws;
}
