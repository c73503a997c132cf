// When a channel is looked up, what is loaded, and what is said of what fails.
import { describe, expect, it } from 'vitest';
import type { Fields } from '../../src/core/log.ts';
import { Channel } from '../../src/models/channel.ts';
import { lookUp, type Named } from '../../src/models/look-up.ts';
import { publish } from '../../src/models/publish.ts';
import { readAll } from '../../src/models/read-all.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import type { ReadableStore } from '../../src/models/stores/store.ts';
import { tag } from '../../src/models/tag.ts';
import type { Digest, LockedVersion } from '../../src/models/version.ts';
import { temporaryFolder } from './temporary.ts';
import { tinyVersion } from './tiny-version.ts';

const minute = 60_000;

describe('a channel', () => {
  it('is looked up at most once in its time, however many ask, each time with the last etag', async () => {
    const c = channelOf();
    await Promise.all(Array.from({ length: 20 }, () => c.channel.refresh()));
    c.named = 'unchanged';
    c.wait(minute - 1);
    await c.channel.refresh();
    expect(c.looks).toEqual([undefined]);
    c.wait(1);
    await Promise.all(Array.from({ length: 20 }, () => c.channel.refresh()));
    expect(c.looks).toEqual([undefined, '"1"']);
  });

  it('that is not followed is never looked up', async () => {
    const c = channelOf({ everyMs: undefined });
    for (let hour = 0; hour < 10; hour++) {
      await c.channel.refresh();
      c.wait(60 * minute);
    }
    expect([c.looks, c.loads]).toEqual([[], []]);
  });

  it('whose first version does not answer before it is loaded has none until then', async () => {
    const c = channelOf({ everyMs: undefined, startAnswers: false });
    expect(c.channel.current).toBeUndefined();
    await c.channel.refresh();
    expect([c.channel.current?.version, c.loads]).toEqual(['1', ['1']]);
  });

  it('answers with the new version when it is loaded, and no sooner', async () => {
    const c = channelOf();
    const loaded = Promise.withResolvers<void>();
    c.before = () => loaded.promise;
    c.named = name('2');
    const refreshed = c.channel.refresh();
    await new Promise(setImmediate);
    expect([c.loads, c.channel.current?.version]).toEqual([['2'], '1']);
    loaded.resolve();
    await refreshed;
    expect(c.channel.current?.version).toBe('2');
    expect(c.moves).toEqual(['1 → 2']);
    expect(c.lines).toMatchObject([{ from: expect.stringContaining('1@'), to: expect.stringContaining('2@') }]);
  });

  it('tries what cannot be loaded again after 1, 2, 4 … minutes, at most an hour, and says it once', async () => {
    const c = channelOf();
    c.named = name('2');
    c.before = () => Promise.reject(new Error('corrupt'));
    const tries: number[] = [];
    for (let at = 0; at <= 300; at++) {
      const before = c.loads.length;
      await c.channel.refresh();
      if (c.loads.length > before) tries.push(at);
      c.wait(minute);
    }
    expect(tries).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    expect(c.lines).toHaveLength(1);
    expect(c.channel.current?.version).toBe('1');
  });

  it('leaves what cannot be loaded at once when it names another, or the old one again', async () => {
    const c = channelOf();
    c.named = name('2');
    c.before = (version) => (version === '2' ? Promise.reject(new Error('corrupt')) : Promise.resolve());
    await c.channel.refresh();
    c.wait(minute);
    c.named = name('1');
    await c.channel.refresh();
    expect(c.loads).toEqual(['2']);
    c.wait(minute);
    c.named = name('3');
    await c.channel.refresh();
    expect([c.loads, c.channel.current?.version]).toEqual([['2', '3'], '3']);
  });

  it('says once that it cannot be looked up, keeps its version, and goes on when it can', async () => {
    const c = channelOf();
    c.named = new Error('no answer');
    for (let at = 0; at < 10; at++) {
      await c.channel.refresh();
      c.wait(minute);
    }
    expect(c.lines).toMatchObject([{ error: 'Error: no answer', answers: expect.stringContaining('1@') }]);
    expect(c.looks).toHaveLength(10);
    c.named = name('2');
    await c.channel.refresh();
    expect(c.channel.current?.version).toBe('2');
  });
});

describe('a look at a channel', () => {
  it('is one request; of an index that did not change no byte is sent', async () => {
    await using folder = await temporaryFolder();
    const written = folderStore(folder.path);
    const requests: [key: string, bytes: number][] = [];
    const store: ReadableStore = {
      name: 'counted',
      async get(key, options) {
        const found = await written.get(key, options);
        if (!found) return undefined;
        const bytes = await readAll(found.body, 1e6, key);
        requests.push([key, bytes.length]);
        return { ...found, body: new Blob([Uint8Array.from(bytes)]).stream() };
      },
    };
    const [first, second] = [tinyVersion('1.0.0'), tinyVersion('2.0.0')];
    for (const built of [first, second]) await publish(written, built);
    await tag(written, 'tiny', { from: '1.0.0', to: 'prod' });

    const named = await lookUp(store, 'tiny:prod', undefined);
    expect(named).toMatchObject({ digest: first.locked.digest });
    const etag = named === 'unchanged' ? undefined : named.etag;
    expect(await lookUp(store, 'tiny:prod', etag)).toBe('unchanged');
    await tag(written, 'tiny', { from: '2.0.0', to: 'prod' });
    expect(await lookUp(store, 'tiny:prod', etag)).toMatchObject({ digest: second.locked.digest });
    expect(requests.map(([key, bytes]) => [key, bytes > 0])).toEqual([
      ['tiny/index.json', true],
      ['tiny/index.json', false],
      ['tiny/index.json', true],
    ]);
    await expect(lookUp(store, 'tiny:other', undefined)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(lookUp(store, 'none:prod', undefined)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('compares the etags itself where the store does not know the condition', async () => {
    const store: ReadableStore = {
      name: 'plain',
      get: async () => ({ etag: '"e"', size: 3, body: new Blob(['any']).stream() }),
    };
    expect(await lookUp(store, 'tiny:prod', '"e"')).toBe('unchanged');
  });
});

function name(version: string): Named {
  return { etag: `"${version}"`, digest: digestOf(version) };
}

function digestOf(version: string): Digest {
  return `sha256:${version.padStart(64, '0')}`;
}

function locked(version: string): LockedVersion {
  return { ...tinyVersion().locked, version, digest: digestOf(version) };
}

function channelOf(change: { everyMs?: number | undefined; startAnswers?: boolean } = {}) {
  let now = 0;
  const seen = {
    named: name('1') as Named | 'unchanged' | Error,
    before: (_version: string): Promise<void> => Promise.resolve(),
    looks: [] as (string | undefined)[],
    loads: [] as string[],
    moves: [] as string[],
    lines: [] as Fields[],
    wait(ms: number) {
      now += ms;
    },
  };
  const write = (_message: string, fields: Fields = {}) => void seen.lines.push(fields);
  const channel = new Channel({
    reference: 'tiny:prod',
    start: locked('1'),
    startAnswers: true,
    everyMs: minute,
    async lookUp(etag) {
      seen.looks.push(etag);
      if (seen.named instanceof Error) throw seen.named;
      return seen.named;
    },
    async load(digest) {
      const version = digest.replace(/^sha256:0*/, '');
      seen.loads.push(version);
      await seen.before(version);
      return locked(version);
    },
    moved: (from, to) => void seen.moves.push(`${from?.version} → ${to.version}`),
    clock: { now: () => now, sleep: async () => {} },
    log: { info: write, warn: write, error: write },
    ...change,
  });
  return Object.assign(seen, { channel });
}
