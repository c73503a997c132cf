// Versions that are not to be used.
import { describe, expect, it } from 'vitest';
import { resolve } from '../../src/models/resolve.ts';
import { tag } from '../../src/models/tag.ts';
import { yank } from '../../src/models/yank.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { movesOf, publishVersions } from './channel.ts';
import { memoryStore } from './memory-store.ts';
import { overtaken } from './overtaken.ts';

const now = () => new Date('2026-11-24T12:00:00Z');
const prod = (from: string) => ({ from, to: 'prod', by: 'ada', now });

describe('yank', () => {
  it('keeps a version from every tag and from resolving by its tag, with the reason; its digest goes on', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0', '2.0.0');
    await yank(store, 'tiny', { version: '1.0.0', by: 'ada', why: 'wrong labels', now });
    const refused = { code: 'VERSION_YANKED', message: expect.stringMatching(/ada yanked it at 2026.*: wrong labels/) };
    await expect(tag(store, 'tiny', prod('1.0.0'))).rejects.toMatchObject(refused);
    await expect(resolve(store, 'tiny:1.0.0')).rejects.toMatchObject(refused);
    const { digest } = tinyVersion('1.0.0').locked;
    expect(await resolve(store, `tiny@${digest}`)).toMatchObject({ version: '1.0.0' });
    expect(await resolve(store, 'tiny:1.0.0', undefined, digest)).toMatchObject({ version: '1.0.0' });
    expect((await movesOf(store)).map(({ kind, tag: of }) => [kind, of])).toEqual([['yank', '1.0.0']]);
  });

  it('is undone, and says undefined when there is nothing to do', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0');
    expect(await yank(store, 'tiny', { version: '1.0.0', undo: true })).toBeUndefined();
    expect(await yank(store, 'tiny', { version: '1.0.0' })).toMatchObject({ kind: 'yank' });
    expect(await yank(store, 'tiny', { version: '1.0.0' })).toBeUndefined();
    expect(await yank(store, 'tiny', { version: '1.0.0', undo: true })).toMatchObject({ kind: 'unyank' });
    expect(await resolve(store, 'tiny:1.0.0')).toMatchObject({ version: '1.0.0' });
  });

  it('is refused while a channel names the version, also one that is moved there meanwhile', async () => {
    const { store: plain } = memoryStore();
    await publishVersions(plain, '1.0.0');
    const { store } = overtaken(plain, () => tag(plain, 'tiny', prod('1.0.0')));
    await expect(yank(store, 'tiny', { version: '1.0.0' })).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
      remedy: expect.stringContaining('glowplug rollback tiny prod'),
    });
  });

  it('of what is not a version is refused', async () => {
    const { store } = memoryStore();
    await publishVersions(store, '1.0.0');
    await tag(store, 'tiny', prod('1.0.0'));
    for (const version of ['9.9.9', 'prod']) {
      await expect(yank(store, 'tiny', { version })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    }
  });
});
