// Back to what a channel named before, whatever happened meanwhile.
import { describe, expect, it } from 'vitest';
import { findTag, readIndex, withTag } from '../../src/models/model-index.ts';
import { rollback } from '../../src/models/rollback.ts';
import { tag } from '../../src/models/tag.ts';
import { yank } from '../../src/models/yank.ts';
import { flawsOf, movesOf, publishVersions, versionAt } from './channel.ts';
import { memoryStore } from './memory-store.ts';
import { overtaken } from './overtaken.ts';
import { watched } from './watched-store.ts';

const prod = (from: string) => ({ from, to: 'prod', by: 'ada' });

describe('rollback', () => {
  it('goes back, twice one further back, and past what came after', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0', '3.0.0', '4.0.0');
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await tag(store, 'tiny', prod(version));
    const back = async () => (await rollback(store, 'tiny', { channel: 'prod', by: 'ada', why: 'misses' })).version;
    expect([await back(), await back()]).toEqual(['2.0.0', '1.0.0']);
    await tag(store, 'tiny', prod('4.0.0'));
    expect(await back()).toBe('1.0.0');
    await expect(back()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await versionAt(store, 'prod')).toBe('1.0.0');
    expect((await movesOf(store)).map(({ kind }) => kind).join(' ')).toBe('tag tag tag rollback rollback tag rollback');
    expect(await flawsOf(store)).toEqual([]);
  });

  it('costs one GET and one PUT, too', async () => {
    const { store, requests } = watched(memoryStore().store);
    await publishVersions(store, '1.0.0', '2.0.0');
    for (const version of ['1.0.0', '2.0.0']) await tag(store, 'tiny', prod(version));
    requests.length = 0;
    await rollback(store, 'tiny', { channel: 'prod' });
    expect(requests).toEqual(['GET tiny/index.json', 'PUT tiny/index.json']);
  });

  it('finds its way in pages of history that other channels filled', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0', '3.0.0');
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await tag(store, 'tiny', prod(version));
    for (let move = 0; move < 300; move++) {
      await tag(store, 'tiny', { from: move % 2 === 0 ? '1.0.0' : '2.0.0', to: 'canary' });
    }
    expect((await rollback(store, 'tiny', { channel: 'prod' })).version).toBe('2.0.0');
    expect((await rollback(store, 'tiny', { channel: 'prod' })).version).toBe('1.0.0');
    expect(await flawsOf(store)).toEqual([]);
  });

  it('passes over yanked versions', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0', '3.0.0');
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await tag(store, 'tiny', prod(version));
    await yank(store, 'tiny', { version: '2.0.0' });
    expect((await rollback(store, 'tiny', { channel: 'prod' })).version).toBe('1.0.0');
  });

  it('goes back to what another tool had put there, whose move is not in the history', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0', '3.0.0');
    await tag(store, 'tiny', prod('1.0.0'));
    const { etag, index } = (await readIndex(store, 'tiny'))!;
    const manifests = withTag(index.manifests, 'prod', findTag(index.manifests, '2.0.0')!);
    await store.put('tiny/index.json', Buffer.from(JSON.stringify({ ...index, manifests })), { ifMatch: etag });
    await tag(store, 'tiny', prod('3.0.0'));
    expect((await rollback(store, 'tiny', { channel: 'prod' })).version).toBe('2.0.0');
    expect((await rollback(store, 'tiny', { channel: 'prod' })).version).toBe('1.0.0');
  });

  it('by two people at once takes back one move, not two', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0', '2.0.0', '3.0.0');
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await tag(plain, 'tiny', prod(version));
    const { store } = overtaken(plain, () => rollback(plain, 'tiny', { channel: 'prod', by: 'bob' }));
    await expect(rollback(store, 'tiny', { channel: 'prod', by: 'ada' })).rejects.toThrow(/bob moved it to 2\.0\.0/);
    expect(await versionAt(plain, 'prod')).toBe('2.0.0');
  });

  it('says that there is no such channel, or that a version’s tag does not move', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0');
    await expect(rollback(store, 'tiny', { channel: 'prod' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(rollback(store, 'tiny', { channel: '1.0.0' })).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
  });
});
