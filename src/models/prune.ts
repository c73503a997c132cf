// Deletes what nothing names any more: blobs of publishes that were never finished, and versions whose tags another tool took away.
import { type Clock, systemClock } from '../core/clock.ts';
import { eachOf } from '../core/each-of.ts';
import { blobKey } from './blob-key.ts';
import { editIndex } from './model-index.ts';
import { outlast, sweeping, sweepMs, withMark, writeMark } from './prune-mark.ts';
import { reachableDigests } from './reachable.ts';
import { isDigest } from './reference.ts';
import type { Store } from './stores/store.ts';
import type { Digest } from './version.ts';

export interface PruneOptions {
  /** Only what is older: milliseconds since 1970. The grace period of a publish that is under way somewhere. */
  readonly before: number;
  /** Digests that lock files and deployments pin: they and what their manifests name stay. */
  readonly pinned?: ReadonlySet<Digest>;
  /** False looks and deletes nothing. */
  readonly remove: boolean;
  readonly clock?: Clock;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Pruned {
  readonly model: string;
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  /** Uploads that were cut off before. */
  readonly uploads: number;
  /** False when a blob that nobody named a moment ago was published again meanwhile, and so stayed. */
  readonly complete: boolean;
}

/**
 * @throws GlowplugError MODEL_NOT_FOUND when a manifest that the index names is gone: then nobody can tell what it named, and
 * nothing is deleted.
 */
export async function prune(store: Store, model: string, options: PruneOptions): Promise<Pruned> {
  const { before, pinned = new Set(), remove, clock = systemClock, onProgress } = options;
  const named = await reachableDigests(store, model, pinned);
  const doomed = await unnamedBefore(store, model, named, before);
  const uploads = await cutOffBefore(store, model, before, remove);
  if (!remove) return { model, blobs: doomed, uploads, complete: true };

  const deleted: typeof doomed = [];
  while (deleted.length < doomed.length) {
    const part = await sweep(doomed.slice(deleted.length));
    if (part === undefined) return { model, blobs: deleted, uploads, complete: false };
    deleted.push(...part);
  }
  return { model, blobs: deleted, uploads, complete: true };

  /** Marks, deletes until the mark's time is over, and takes the mark away. Undefined: somebody published meanwhile. */
  async function sweep(rest: typeof doomed): Promise<typeof doomed | undefined> {
    const batch = rest.slice(0, batchSize);
    let until = 0;
    const mark = await writeMark(
      store,
      model,
      batch.map(({ digest }) => digest),
    );
    let wanted = false;
    await editIndex(store, model, async (manifests) => {
      const other = sweeping(manifests);
      if (other) await outlast(store, model, other, clock);
      const now = await reachableDigests(store, model, pinned);
      wanted = batch.some(({ digest }) => now.has(digest));
      // From before the mark is there.
      until = clock.now() + sweepMs;
      return wanted ? undefined : withMark(manifests, mark, 'sweeping');
    });
    if (wanted) return undefined;

    const gone: typeof doomed = [];
    await eachOf(batch, deletesAtOnce, async (blob) => {
      const left = Math.floor(until - clock.now());
      // Past it a publisher may take the mark for abandoned. What is left is the next sweep's.
      if (left <= 0) return;
      await store.delete(blobKey(model, blob.digest), { signal: AbortSignal.timeout(left) });
      gone.push(blob);
      onProgress?.(deleted.length + gone.length, doomed.length);
    });
    await editIndex(store, model, (manifests) =>
      sweeping(manifests)?.digest === mark.digest ? withMark(manifests, mark, 'done') : undefined,
    );
    return gone;
  }
}

/** Their record in the store stays far below the 4 MiB of a document. */
const batchSize = 1_000;
const deletesAtOnce = 8;

async function unnamedBefore(store: Store, model: string, named: ReadonlySet<Digest>, before: number) {
  const folder = `${model}/blobs/sha256/`;
  const unnamed: Digest[] = [];
  for await (const key of store.list(folder)) {
    const digest = `sha256:${key.slice(folder.length)}`;
    if (isDigest(digest) && !named.has(digest)) unnamed.push(digest);
  }
  const doomed: { digest: Digest; size: number }[] = [];
  await eachOf(unnamed, deletesAtOnce, async (digest) => {
    const there = await store.head(blobKey(model, digest));
    if (there && there.modified < before) doomed.push({ digest, size: there.size });
  });
  return doomed.sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

async function cutOffBefore(store: Store, model: string, before: number, remove: boolean): Promise<number> {
  let count = 0;
  for await (const upload of store.unfinished(`${model}/`)) {
    if (upload.begun >= before) continue;
    count++;
    if (remove) await upload.remove();
  }
  return count;
}
