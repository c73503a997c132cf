// What prune deletes, what it never does, and that no order of events lets it take a blob from under a publish.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { blobKey } from '../../src/models/blob-key.ts';
import { digestOf, encode } from '../../src/models/manifest.ts';
import { editIndex, readIndex, tagOf } from '../../src/models/model-index.ts';
import { prune } from '../../src/models/prune.ts';
import { sweeping, withMark, writeMark } from '../../src/models/prune-mark.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import type { BuiltVersion } from '../../src/models/version.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { long } from '../runs.ts';
import { memoryStore } from './memory-store.ts';
import { testClock } from './test-clock.ts';
import { turnTaking } from './turn-taking.ts';
import { wholeTags } from './whole.ts';

const old = { before: 10, remove: true };

describe('prune', () => {
  it('deletes what is old and named by nothing, and says so without deleting when it is only asked', async () => {
    const { store, objects } = memoryStore();
    await publish(store, tinyVersion('1.0.0'));
    const orphan = tinyVersion('2.0.0');
    const only = await untagged(store, orphan);
    const before = new Map(objects);
    const planned = await prune(store, 'tiny', { ...old, remove: false });
    expect(planned.blobs.map(({ digest }) => digest).sort()).toEqual(only);
    expect(objects).toEqual(before);
    const done = await prune(store, 'tiny', old);
    expect(done).toEqual({ ...planned, complete: true });
    for (const digest of only) expect(objects.has(blobKey('tiny', digest))).toBe(false);
    expect(await wholeTags(store, 'tiny')).toEqual(['1.0.0']);
  });

  it('leaves what is younger than the grace period', async () => {
    const { store } = memoryStore(new Map(), undefined, () => 50);
    await publish(store, tinyVersion('1.0.0'));
    await untagged(store, tinyVersion('2.0.0'));
    expect((await prune(store, 'tiny', old)).blobs).toEqual([]);
    expect((await prune(store, 'tiny', { before: 51, remove: true })).blobs).toHaveLength(3);
  });

  it('leaves what a lock file pins, with the files of its manifest', async () => {
    const { store } = memoryStore();
    await publish(store, tinyVersion('1.0.0'));
    const { locked } = tinyVersion('2.0.0');
    await untagged(store, tinyVersion('2.0.0'));
    const pruned = await prune(store, 'tiny', { ...old, pinned: new Set([locked.digest]) });
    expect(pruned.blobs).toEqual([]);
    expect(await resolve(store, `tiny@${locked.digest}`)).toEqual(locked);
  });

  it('leaves what a deployment pins in the store, and what the index mentions anywhere, as history does', async () => {
    for (const mention of ['pin', 'history'] as const) {
      const { store, objects } = memoryStore();
      await publish(store, tinyVersion('1.0.0'));
      const { locked } = tinyVersion('2.0.0');
      await untagged(store, tinyVersion('2.0.0'));
      if (mention === 'pin') {
        await store.put('tiny/pins/prod.json', encode({ digest: locked.digest }), { ifNoneMatch: '*' });
      } else {
        const index = JSON.parse(new TextDecoder().decode(objects.get('tiny/index.json')?.bytes));
        const annotations = { 'glowplug.history': JSON.stringify([{ from: locked.digest }]) };
        objects.set('tiny/index.json', { bytes: encode({ ...index, annotations }), modified: 0 });
      }
      expect((await prune(store, 'tiny', { ...old, remove: false })).blobs, mention).toEqual([]);
    }
  });

  it('deletes nothing when a manifest that a tag names is gone: nobody knows what it named', async () => {
    const { store, objects } = memoryStore();
    const { locked } = await publish(store, tinyVersion('1.0.0'));
    await untagged(store, tinyVersion('2.0.0'));
    objects.delete(blobKey('tiny', locked.digest));
    await expect(prune(store, 'tiny', old)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('never leaves an index as it was before: a publish that read it then would not notice', async () => {
    const { store, objects } = memoryStore();
    await publish(store, tinyVersion('1.0.0'));
    const seen = new Set<string>();
    for (let round = 0; round < 5; round++) {
      seen.add(digestOf(objects.get('tiny/index.json')!.bytes));
      await untagged(store, tinyVersion('2.0.0'));
      await prune(store, 'tiny', old);
    }
    expect(seen.size).toBe(5);
  });

  it('waits for a prune that died half way, and goes on where it was', async () => {
    const { store } = memoryStore();
    await publish(store, tinyVersion('1.0.0'));
    await untagged(store, tinyVersion('2.0.0'));
    const mark = await writeMark(store, 'tiny', [tinyVersion('2.0.0').locked.digest]);
    await editIndex(store, 'tiny', (manifests) => withMark(manifests, mark, 'sweeping'));
    const clock = testClock();
    expect((await prune(store, 'tiny', { ...old, clock })).complete).toBe(true);
    expect(clock.now()).toBeGreaterThanOrEqual(60_000);
    expect(sweeping((await readIndex(store, 'tiny'))?.manifests ?? [])).toBeUndefined();
  });

  it('never takes a blob from a version that is published meanwhile, in whatever order their requests happen', async () => {
    const met = { publish: 0, prune: 0, mark: 0 };
    // Whose turn it is, for how many requests: whole stretches of the one between two requests of the other.
    const turns = fc.array(fc.tuple(fc.constantFrom('publish', 'prune'), fc.integer({ min: 1, max: 12 })), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(turns, async (script) => {
        const { objects, store } = memoryStore();
        await publish(store, tinyVersion('1.0.0'));
        await untagged(store, tinyVersion('2.0.0'));
        const steps = turnTaking(script.flatMap(([who, times]) => Array.from({ length: times }, () => who)));
        const clock = testClock();
        const [published, pruned] = await steps.run({
          // The same blobs as the orphan's, which prune is about to delete.
          publish: (step) => publish(memoryStore(objects, step).store, tinyVersion('2.0.0'), { clock }),
          prune: (step) => prune(memoryStore(objects, step).store, 'tiny', { ...old, clock: systemClock }),
        });
        met[pruned.complete && pruned.blobs.length > 0 ? 'prune' : 'publish']++;
        if (clock.now() > 0) met.mark++;
        expect(published.created).toBe(true);
        expect(await wholeTags(store, 'tiny')).toEqual(['1.0.0', '2.0.0']);
      }),
      { numRuns: long ? 5_000 : 200 },
    );
    expect(Math.min(...Object.values(met))).toBeGreaterThan(0);
    console.log(
      `prune beside publish: ${met.publish + met.prune} orders of their requests; publish kept the blobs in ${met.publish}, sent them again in ${met.prune}, waited for the mark in ${met.mark}`,
    );
  });
});

/** Its blobs without a tag, as a publish that was killed before its end leaves them. Digests that no other version has. */
async function untagged(store: ReturnType<typeof memoryStore>['store'], built: BuiltVersion) {
  await publish(store, built);
  const index = await readIndex(store, 'tiny');
  const kept = index!.manifests.filter((one) => tagOf(one) !== built.locked.version);
  await editIndex(store, 'tiny', () => kept);
  const shared = tinyVersion('1.0.0').blobs;
  return [...built.blobs.keys(), built.locked.digest].filter((digest) => !shared.has(digest)).sort();
}
