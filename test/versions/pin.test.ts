// What a deployment pins stays whole, whatever becomes of the tags, and in whatever order a prune meets it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobKey } from '../../src/models/blob-key.ts';
import { editIndex, readIndex, tagOf } from '../../src/models/model-index.ts';
import { pin, pinsOf, wholeVersion } from '../../src/models/pin.ts';
import { prune } from '../../src/models/prune.ts';
import { publish } from '../../src/models/publish.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { runs } from '../runs.ts';
import { memoryStore } from './memory-store.ts';
import { testClock } from './test-clock.ts';
import { turnTaking } from './turn-taking.ts';

const one = tinyVersion('1.0.0');
const two = tinyVersion('2.0.0');
const old = { before: 10, remove: true };

describe('pin', () => {
  it('keeps a version whose tag another tool took away', async () => {
    const { store } = await stored();
    await pin(store, 'tiny', { deployment: 'dev', digests: [two.locked.digest] });
    await untag(store, '2.0.0');
    expect((await prune(store, 'tiny', old)).blobs).toEqual([]);
    await pin(store, 'tiny', { deployment: 'dev', digests: [] });
    expect((await prune(store, 'tiny', old)).blobs.length).toBeGreaterThan(0);
  });

  it('is each deployment’s own: another one’s stay, and so do its earlier ones while it is under way', async () => {
    const { store } = await stored();
    await pin(store, 'tiny', { deployment: 'prod', digests: [one.locked.digest] });
    await pin(store, 'tiny', { deployment: 'dev', digests: [one.locked.digest] });
    await pin(store, 'tiny', { deployment: 'dev', digests: [two.locked.digest], keep: true });
    expect(await pins(store, 'dev')).toEqual([one.locked.digest, two.locked.digest].sort());
    await pin(store, 'tiny', { deployment: 'dev', digests: [two.locked.digest] });
    expect(await pins(store, 'dev')).toEqual([two.locked.digest]);
    expect(await pins(store, 'prod')).toEqual([one.locked.digest]);
  });

  it('leaves tags as they were, and writes nothing the second time', async () => {
    const { store, objects } = await stored();
    const request = { deployment: 'dev', digests: [one.locked.digest] };
    await pin(store, 'tiny', request);
    const after = objects.get('tiny/index.json');
    await pin(store, 'tiny', request);
    expect(objects.get('tiny/index.json')).toBe(after);
    const { manifests = [] } = (await readIndex(store, 'tiny')) ?? {};
    expect(manifests.flatMap((each) => tagOf(each) ?? []).sort()).toEqual(['1.0.0', '2.0.0']);
  });

  it.each(['absent', 'cut off'])('refuses a version with a blob that is %s, and pins nothing', async (how) => {
    const { store, objects } = await stored();
    const key = blobKey('tiny', one.locked.files['model.onnx']!.digest);
    if (how === 'absent') objects.delete(key);
    else objects.set(key, { bytes: Buffer.from('half'), modified: 0 });
    await expect(pin(store, 'tiny', { deployment: 'dev', digests: [one.locked.digest] })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining(how === 'absent' ? 'it is absent' : 'it has 4 bytes'),
      remedy: expect.stringContaining('glowplug publish'),
    });
    expect(await pins(store, 'dev')).toEqual([]);
  });

  it('holds a whole version or refuses it, in whatever order it meets a prune', async () => {
    const met = { pinned: 0, refused: 0 };
    const turns = fc.array(fc.tuple(fc.constantFrom('publish', 'prune'), fc.integer({ min: 1, max: 8 })), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(turns, async (script) => {
        const { objects, store } = await stored();
        await untag(store, '2.0.0');
        const clock = testClock();
        const steps = turnTaking(script.flatMap(([who, times]) => Array.from({ length: times }, () => who)));
        const [outcome] = await steps.run({
          publish: (step) =>
            pin(memoryStore(objects, step).store, 'tiny', {
              deployment: 'dev',
              digests: [two.locked.digest],
              clock,
            }).then(
              () => 'pinned' as const,
              (error: { code: string }) => error.code,
            ),
          prune: (step) => prune(memoryStore(objects, step).store, 'tiny', { ...old, clock }),
        });
        if (outcome === 'pinned') {
          met.pinned++;
          await wholeVersion(store, 'tiny', two.locked.digest);
        } else {
          met.refused++;
          expect(outcome).toBe('MODEL_NOT_FOUND');
          expect(await pins(store, 'dev')).toEqual([]);
        }
      }),
      { numRuns: runs(150) },
    );
    console.info(`pin against prune: ${JSON.stringify(met)} of ${runs(150)} orders, no pinned version lost a blob`);
    expect(met.pinned).toBeGreaterThan(0);
    expect(met.refused).toBeGreaterThan(0);
  });
});

async function stored() {
  const memory = memoryStore();
  for (const version of [one, two]) await publish(memory.store, version);
  return memory;
}

async function untag(store: Store, tag: string): Promise<void> {
  await editIndex(store, 'tiny', (manifests) => manifests.filter((each) => tagOf(each) !== tag));
}

async function pins(store: Store, deployment: string): Promise<string[]> {
  return pinsOf((await readIndex(store, 'tiny'))?.manifests ?? [], deployment).sort();
}
