// The mark that prune leaves in a model's index while it deletes, and what publish makes of it (docs/decisions/pruning.md).
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { blobKey } from './blob-key.ts';
import { digestOf, encode } from './manifest.ts';
import { type Descriptor, readIndex, sizeLimit } from './model-index.ts';
import { readObject } from './read-object.ts';
import { isDigest } from './reference.ts';
import type { Store } from './stores/store.ts';
import type { Digest } from './version.ts';

const mediaType = 'application/vnd.glowplug.prune.v1+json';
const state = 'glowplug.prune';

/** From before its mark stood there until its last deletion has been answered. */
export const sweepMs = 30_000;
/** Somebody who watched a mark stand for this long knows that its owner is gone, whatever the clocks say. */
const abandonedMs = 2 * sweepMs;

/** A record of what will be deleted. Its name is random, so no index is ever again what it was before a prune. */
export async function writeMark(store: Store, model: string, doomed: readonly Digest[]): Promise<Descriptor> {
  const record = encode({ id: randomUUID(), doomed });
  const digest = digestOf(record);
  await store.put(blobKey(model, digest), record, { ifNoneMatch: '*' });
  return { mediaType, digest, size: record.length };
}

/** The index with this mark and no other one. It stays, as done, until the next. */
export function withMark(
  manifests: readonly Descriptor[],
  mark: Descriptor,
  now: 'sweeping' | 'done',
): readonly Descriptor[] {
  return [...manifests.filter((one) => !isMark(one)), { ...mark, annotations: { [state]: now } }];
}

export function sweeping(manifests: readonly Descriptor[]): Descriptor | undefined {
  return manifests.find((one) => {
    const { annotations } = one;
    return isMark(one) && annotations instanceof Object && Reflect.get(annotations, state) === 'sweeping';
  });
}

function isMark(descriptor: Descriptor): boolean {
  return descriptor['mediaType'] === mediaType;
}

export async function doomedBy(store: Store, model: string, mark: Descriptor): Promise<ReadonlySet<Digest>> {
  const found = await readObject(store, blobKey(model, mark.digest), sizeLimit);
  const record: { doomed?: unknown } = found ? JSON.parse(new TextDecoder().decode(found.bytes)) : {};
  return new Set(Array.isArray(record.doomed) ? record.doomed.filter(isDigest) : []);
}

/**
 * Waits until this mark is gone from the index, or was watched for so long that nobody stands behind it any more: 'abandoned'.
 */
export async function outlast(
  store: Store,
  model: string,
  mark: Descriptor,
  clock: Clock,
  signal?: AbortSignal,
): Promise<'gone' | 'abandoned'> {
  const since = clock.now();
  for (let pause = 1_000; clock.now() - since < abandonedMs; pause = Math.min(2 * pause, 10_000)) {
    await clock.sleep(pause, signal);
    const index = await readIndex(store, model, signal);
    if (sweeping(index?.manifests ?? [])?.digest !== mark.digest) return 'gone';
  }
  return 'abandoned';
}
