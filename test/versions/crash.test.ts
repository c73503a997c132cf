// Killed at every request in turn: no reader ever sees half a version, and the next publish succeeds.
import { describe, expect, it } from 'vitest';
import { buildManifest } from '../../src/models/manifest.ts';
import { editIndex, readIndex, tagOf } from '../../src/models/model-index.ts';
import { prune } from '../../src/models/prune.ts';
import { publish } from '../../src/models/publish.ts';
import { s3Store } from '../../src/models/stores/s3.ts';
import { buildVariants } from '../../src/models/variants.ts';
import type { BuiltVersion, LocalFile } from '../../src/models/version.ts';
import { localFile } from '../models/local-file.ts';
import { signature } from '../models/tiny-version.ts';
import { long } from '../runs.ts';
import { bucket, credentials, type FaultyS3, faultyS3 } from './faulty-s3.ts';
import { testClock } from './test-clock.ts';
import { wholeTags } from './whole.ts';

/** A kill before the request is seen, and one after it did its work. */
const ways = ['reset before the request', 'reset before the answer'] as const;

describe('killed at every request in turn', () => {
  it.each([
    ['small files', 1_000, 1],
    // Slower by its bytes: every seventh request in npm test, all of them in the long run.
    ['a file in parts', 8 * 1024 * 1024 + 1, long ? 1 : 7],
  ])('a publish of %s leaves nothing that a reader sees, and the next one succeeds', async (what, size, stride) => {
    await using weights = await localFile(size);
    await using s3 = await faultyS3();
    const n = await requestsOf(s3, (store) => publish(store, version('count', weights.local)));
    let [killed, resumed] = [0, 0];
    for (let k = 1; k <= n; k += stride) {
      for (const way of long ? ways : [ways[k % 2]!]) {
        const model = `m${k}${way.length}`;
        const built = version(model, weights.local);
        s3.spoil((request) => (request >= k ? way : undefined));
        await expect(publish(await open(s3), built, { clock: testClock() })).rejects.toThrow();
        s3.spoil(() => undefined);
        const store = await open(s3);
        const seen = await wholeTags(store, model);
        // The last request is the one that makes the version visible, whole, though its publisher never heard of it.
        expect(seen, `${way} ${k}`).toEqual(k === n && way === 'reset before the answer' ? ['1.0.0'] : []);
        for await (const _ of store.unfinished(model)) resumed++;
        const published = await publish(store, built, { clock: testClock() });
        expect(await wholeTags(store, model)).toEqual(['1.0.0']);
        expect(published.locked).toEqual(built.locked);
        for await (const { key } of store.unfinished(model)) expect(key).toBe('nothing unfinished');
        killed++;
      }
    }
    console.log(`publish of ${what} killed ${killed} times at its ${n} requests: ${resumed} uploads were gone on with`);
  });

  it('a prune takes nothing that is named, and the next publish of what it took half of succeeds', async () => {
    await using s3 = await faultyS3();
    await prepare(s3, 'count');
    const n = await requestsOf(s3, (store) => prune(store, 'count', old()));
    let killed = 0;
    for (let k = 1; k <= n; k++) {
      for (const way of long ? ways : [ways[k % 2]!]) {
        const model = `p${k}${way.length}`;
        await prepare(s3, model);
        s3.spoil((request) => (request >= k ? way : undefined));
        await prune(await open(s3), model, old()).catch(() => {});
        s3.spoil(() => undefined);
        const store = await open(s3);
        expect(await wholeTags(store, model)).toEqual(['1.0.0']);
        await publish(store, tiny(model, '2.0.0'), { clock: testClock() });
        expect(await wholeTags(store, model)).toEqual(['1.0.0', '2.0.0']);
        await prune(store, model, old());
        expect(await wholeTags(store, model)).toEqual(['1.0.0', '2.0.0']);
        killed++;
      }
    }
    console.log(`prune killed at each of its ${n} requests, ${killed} times`);
  });
});

const old = () => ({ before: Date.now() + 60_000, remove: true, clock: testClock() });

function open(s3: FaultyS3) {
  const location = { bucket, prefix: '', region: 'us-east-1', endpoint: s3.url };
  return s3Store(location, { credentials, clock: testClock() });
}

async function requestsOf(s3: FaultyS3, work: (store: Awaited<ReturnType<typeof open>>) => Promise<unknown>) {
  s3.spoil(() => undefined);
  await work(await open(s3));
  return s3.requests;
}

/** Two variants, one of them large enough to go in parts. */
function version(model: string, weights: LocalFile): BuiltVersion {
  const parts = { model, version: '1.0.0', license: 'MIT', signature };
  const fp32 = buildManifest({ ...parts, files: { 'model.onnx': Buffer.from('graph'), 'weights.bin': weights } });
  const int8 = buildManifest({ ...parts, precision: 'int8', files: { 'model.onnx': Buffer.from('small') } });
  return buildVariants([
    { name: 'fp32', built: fp32 },
    { name: 'int8', built: int8, precision: 'int8' },
  ]);
}

function tiny(model: string, version: string): BuiltVersion {
  const files = { 'model.onnx': Buffer.from(`model of ${version}`), 'labels.txt': Buffer.from('a\nb\n') };
  return buildManifest({ model, version, license: 'MIT', files, signature });
}

/** One version that is tagged, and one whose tag is gone. */
async function prepare(s3: FaultyS3, model: string): Promise<void> {
  s3.spoil(() => undefined);
  const store = await open(s3);
  for (const one of ['1.0.0', '2.0.0']) await publish(store, tiny(model, one));
  const index = await readIndex(store, model);
  await editIndex(store, model, () => index!.manifests.filter((descriptor) => tagOf(descriptor) === '1.0.0'));
}
