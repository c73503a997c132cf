// What a lock that is written from a store takes: what is signed when the app names keys, and nothing that was yanked since.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateKey, keyFileSigner } from '../../src/models/signer.ts';
import { yank } from '../../src/models/yank.ts';
import { checkLock, publishAll, sign, tag, writeLock } from '../../src/release/index.ts';
import { definition, functionUsing, irisModel, testApp } from '../release/app.ts';
import { movesOf } from './channel.ts';
import { memoryStore } from './memory-store.ts';

const onnx = await readFile(irisModel);
const key = generateKey('ci-2026');
const signer = keyFileSigner(JSON.stringify(key));
const keysFile = JSON.stringify({ keys: { 'ci-2026': { publicKey: key.x, models: ['tiny'] } } });

const app = (reference: string) =>
  testApp({
    'models/tiny.ts': definition('tiny'),
    'models/tiny.onnx': onnx,
    'functions/f/function.ts': functionUsing(`{ tiny: '${reference}' }`),
  });

describe('a lock written from a store', () => {
  it('refuses what is not signed when the app names keys, and takes it once it is signed', async () => {
    await using one = await app('tiny:prod');
    const { store } = memoryStore();
    await publishAll({ root: one.root, store, as: 'prod' });
    await one.write('models.keys.json', keysFile);
    const unsigned = { code: 'SIGNATURE_INVALID', message: expect.stringContaining('it is not signed') };
    await expect(writeLock({ root: one.root, store })).rejects.toMatchObject(unsigned);
    await expect(checkLock({ root: one.root, store })).rejects.toMatchObject(unsigned);
    await sign(store, 'tiny:prod', signer);
    expect(await writeLock({ root: one.root, store })).toMatchObject({ changed: ['tiny:prod'] });
    expect(await checkLock({ root: one.root, store })).toEqual([]);
  });

  it('checks nothing offline: no store was believed', async () => {
    await using one = await app('tiny:prod');
    await one.write('models.keys.json', keysFile);
    expect(await writeLock({ root: one.root })).toMatchObject({ changed: ['tiny:prod'] });
  });

  it('refuses a version that was yanked, with the reason, unless it is pinned already', async () => {
    await using one = await app('tiny:1.0.0');
    const { store } = memoryStore();
    await publishAll({ root: one.root, store });
    await writeLock({ root: one.root, store });
    await yank(store, 'tiny', { version: '1.0.0', by: 'ada', why: 'wrong labels' });
    expect(await checkLock({ root: one.root, store })).toEqual([]);
    await one.write('models.lock.json', '{ "lockVersion": 1, "models": {} }');
    await expect(writeLock({ root: one.root, store })).rejects.toMatchObject({
      code: 'VERSION_YANKED',
      message: expect.stringContaining('wrong labels'),
    });
  });

  it('refuses a channel below the floor', async () => {
    await using one = await app('tiny:prod');
    const { store } = memoryStore();
    await publishAll({ root: one.root, store, as: 'prod' });
    await one.write('models.keys.json', '{ "floors": { "tiny": "1.0.1" } }');
    await expect(writeLock({ root: one.root, store })).rejects.toMatchObject({ code: 'BELOW_FLOOR' });
  });

  it('is refused altogether when models.keys.json cannot be read', async () => {
    await using one = await app('tiny:prod');
    await one.write('models.keys.json', '{ "kyes": {} }');
    await expect(writeLock({ root: one.root, store: memoryStore().store })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('publishing all', () => {
  it('signs before the channel moves, and the history says who moved it', async () => {
    await using one = await app('tiny:prod');
    await one.write('models.keys.json', keysFile);
    const { store } = memoryStore();
    const now = () => new Date('2026-11-24T12:00:00Z');
    const lockWhenMoved: string[] = [];
    const watching = {
      ...store,
      put: async (...[path, body, condition]: Parameters<typeof store.put>) => {
        const answer = await store.put(path, body, condition);
        if (path === 'tiny/index.json' && new TextDecoder().decode(body).includes('"prod"')) {
          lockWhenMoved.push(...(await writeLock({ root: one.root, store })).changed);
        }
        return answer;
      },
    };
    await publishAll({ root: one.root, store: watching, as: 'prod', signer, by: 'ci #1', why: 'nightly', now });
    expect(lockWhenMoved).toEqual(['tiny:prod']);
    expect(await movesOf(store)).toMatchObject([{ tag: 'prod', by: 'ci #1', why: 'nightly', version: '1.0.0' }]);
  });

  it('publishes the same bytes whoever does it, whenever, and for whatever reason', async () => {
    await using one = await app('tiny:prod');
    const publishBy = async (by: string, year: string) => {
      const now = () => new Date(`${year}-01-01T00:00:00Z`);
      const [published] = await publishAll({
        root: one.root,
        store: memoryStore().store,
        as: 'prod',
        by,
        why: by,
        now,
      });
      return published?.locked;
    };
    expect(await publishBy('ada', '2026')).toEqual(await publishBy('bob', '2027'));
  });

  it('does not move a channel below the floor', async () => {
    await using one = await app('tiny:prod');
    await one.write('models.keys.json', '{ "floors": { "tiny": "2.0.0" } }');
    const { store } = memoryStore();
    await expect(publishAll({ root: one.root, store, as: 'prod' })).rejects.toMatchObject({ code: 'BELOW_FLOOR' });
    await publishAll({ root: one.root, store });
    await tag(store, 'tiny', { from: '1.0.0', to: 'prod' });
  });
});

it('a key’s secret half stays out of git', async () => {
  const ignored = await readFile(join(import.meta.dirname, '../../.gitignore'), 'utf8');
  expect(ignored.split('\n')).toContain('*.key.json');
});
