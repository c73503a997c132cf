// Channels and their history: who moved what, when and why.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { readIndex } from '../../src/models/model-index.ts';
import { latestMoves } from '../../src/models/moves.ts';
import { rollback } from '../../src/models/rollback.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { flawsOf, movesOf, publishVersions, versionAt } from './channel.ts';
import { memoryStore } from './memory-store.ts';
import { overtaken } from './overtaken.ts';
import { watched } from './watched-store.ts';

const now = () => new Date('2026-11-24T12:00:00Z');
const prod = (from: string) => ({ from, to: 'prod', by: 'ada', now });

describe('a move', () => {
  it('is recorded: who, when, from, to and why', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0');
    await tag(store, 'tiny', prod('1.0.0'));
    await tag(store, 'tiny', { ...prod('2.0.0'), by: 'bob', why: 'fewer misses' });
    const [one, two] = [tinyVersion('1.0.0').locked.digest, tinyVersion('2.0.0').locked.digest];
    const at = '2026-11-24T12:00:00.000Z';
    expect(await movesOf(store)).toMatchObject([
      { number: 1, kind: 'tag', tag: 'prod', to: one, version: '1.0.0', by: 'ada', at, why: '' },
      { number: 2, kind: 'tag', tag: 'prod', from: one, to: two, version: '2.0.0', by: 'bob', at, why: 'fewer misses' },
    ]);
  });

  it('costs one GET and one PUT when nobody races, history included; each 64th writes its page besides', async () => {
    const { store: plain } = memoryStore();
    const { store, requests } = watched(plain);
    await publishVersions(store, '1.0.0', '2.0.0');
    const costs: string[] = [];
    for (let move = 0; move < 256; move++) {
      requests.length = 0;
      await tag(store, 'tiny', prod(move % 2 === 0 ? '1.0.0' : '2.0.0'));
      const standing = latestMoves((await readIndex(plain, 'tiny'))!.index).length;
      expect(standing).toBeGreaterThanOrEqual(Math.min(64, move + 1));
      costs.push(requests.map((request) => request.replace(/(blobs).*/, '$1')).join(', '));
    }
    const usual = 'GET tiny/index.json, PUT tiny/index.json';
    const withPage = 'GET tiny/index.json, PUT tiny/blobs, PUT tiny/index.json';
    expect(costs.flatMap((cost, move) => (cost === usual ? [] : [`${move + 1}: ${cost}`]))).toEqual([
      `128: ${withPage}`,
      `192: ${withPage}`,
      `256: ${withPage}`,
    ]);
    expect(await flawsOf(store)).toEqual([]);
    expect(await movesOf(store)).toHaveLength(256);
    const { index } = (await readIndex(store, 'tiny'))!;
    expect(latestMoves(index)).toHaveLength(64);
  });

  it('leaves an index that OCI tools read: texts as annotations, pages with descriptors of their own', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0');
    for (let move = 0; move < 130; move++) await tag(store, 'tiny', prod(move % 2 === 0 ? '1.0.0' : '2.0.0'));
    const { index } = (await readIndex(store, 'tiny'))!;
    expect(index).toMatchObject({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' });
    const annotations = [index, ...index.manifests].flatMap((one) => Object.values(Object(one['annotations'])));
    expect(annotations.filter((value) => typeof value !== 'string')).toEqual([]);
    for (const { digest, size, mediaType } of index.manifests) {
      expect(mediaType).toMatch(/^application\//);
      expect(await store.head(`tiny/blobs/sha256/${digest.slice(7)}`)).toMatchObject({ size });
    }
  });

  it('that changes nothing writes nothing', async () => {
    const { store, requests } = watched(memoryStore().store);
    await publishVersions(store, '1.0.0');
    await tag(store, 'tiny', prod('1.0.0'));
    requests.length = 0;
    expect(await tag(store, 'tiny', prod('1.0.0'))).toMatchObject({ move: undefined });
    expect(requests).toEqual(['GET tiny/index.json']);
  });

  it('of another tag meanwhile is no obstacle', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0', '2.0.0');
    const { store } = overtaken(plain, () => tag(plain, 'tiny', { from: '2.0.0', to: 'candidate', by: 'bob' }));
    await tag(store, 'tiny', prod('1.0.0'));
    expect([await versionAt(plain, 'prod'), await versionAt(plain, 'candidate')]).toEqual(['1.0.0', '2.0.0']);
    expect((await movesOf(plain)).map(({ by }) => by)).toEqual(['bob', 'ada']);
  });

  it('of the same tag meanwhile is refused, and says who moved it, when, to what and why', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0', '2.0.0', '3.0.0');
    await tag(plain, 'tiny', prod('3.0.0'));
    const { store } = overtaken(plain, () => tag(plain, 'tiny', { ...prod('2.0.0'), by: 'bob', why: 'hotfix' }));
    await expect(tag(store, 'tiny', prod('1.0.0'))).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
      message:
        'expected tiny:prod to stay as it was, meanwhile bob moved it to 2.0.0 at 2026-11-24T12:00:00.000Z: hotfix',
      remedy: expect.stringContaining('glowplug history tiny'),
    });
    expect(await versionAt(plain, 'prod')).toBe('2.0.0');
  });

  it('is refused when the channel went elsewhere and came back meanwhile', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0', '2.0.0', '3.0.0');
    await tag(plain, 'tiny', prod('3.0.0'));
    const { store } = overtaken(plain, async () => {
      await tag(plain, 'tiny', { ...prod('2.0.0'), by: 'bob' });
      await rollback(plain, 'tiny', { channel: 'prod', by: 'eve' });
    });
    await expect(tag(store, 'tiny', prod('1.0.0'))).rejects.toThrow(/meanwhile eve moved it to 3\.0\.0/);
  });

  it('is refused when what it promotes was moved meanwhile: nobody looked at that', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0', '2.0.0');
    await tag(plain, 'tiny', { from: '1.0.0', to: 'candidate' });
    const { store } = overtaken(plain, () => tag(plain, 'tiny', { from: '2.0.0', to: 'candidate', by: 'bob' }));
    await expect(tag(store, 'tiny', prod('candidate'))).rejects.toThrow(/tiny:candidate to stay .* bob moved it/);
    expect(await versionAt(plain, 'prod')).toBeUndefined();
  });

  it('to where the winner moved it already is done', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0');
    const { store } = overtaken(plain, () => tag(plain, 'tiny', { ...prod('1.0.0'), by: 'bob' }));
    expect(await tag(store, 'tiny', prod('1.0.0'))).toMatchObject({ move: undefined });
    expect((await movesOf(plain)).map(({ by }) => by)).toEqual(['bob']);
  });

  it('whose answer was lost is not made twice, and not taken for another’s', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0');
    let lost = false;
    const { store } = watched(plain, async (send, request) => {
      const answer = await send();
      if (lost || !request.startsWith('PUT')) return answer;
      lost = true;
      // What S3 says to the second try of a write whose first answer did not arrive.
      throw new GlowplugError('STORE_CONFLICT', 'somebody wrote first');
    });
    expect(await tag(store, 'tiny', prod('1.0.0'))).toMatchObject({ previous: undefined, move: { number: 1 } });
    expect(await movesOf(plain)).toHaveLength(1);
  });

  it('takes a reason of 500 characters and a name of 100, and no longer ones', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0');
    const long = { code: 'INPUT_TOO_LARGE' };
    await expect(tag(store, 'tiny', { ...prod('1.0.0'), why: 'x'.repeat(501) })).rejects.toMatchObject(long);
    await expect(tag(store, 'tiny', { ...prod('1.0.0'), by: 'x'.repeat(101) })).rejects.toMatchObject(long);
    await tag(store, 'tiny', { ...prod('1.0.0'), why: 'ü'.repeat(500) });
  });

  it('never names a signature or a page of history by its digest', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0');
    for (let move = 0; move < 130; move++) await tag(store, 'tiny', prod(move % 2 === 0 ? '1.0.0' : '2.0.0'));
    const page = (await readIndex(store, 'tiny'))!.manifests.find(({ mediaType }) => `${mediaType}`.includes('moves'));
    await expect(tag(store, 'tiny', prod(page!.digest))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('keeps what other tools wrote beside the manifests', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    await publishVersions(store, '1.0.0');
    const path = join(folder.path, 'tiny/index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...index, artifactType: 'a/b', annotations: { 'com.acme': 'kept' } }));
    await tag(store, 'tiny', prod('1.0.0'));
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      artifactType: 'a/b',
      annotations: { 'com.acme': 'kept' },
    });
  });
});
