// The lock file of a folder's compare-and-swap: who waits, and when a lock counts as left behind.
import { readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { lockFile } from '../../src/models/stores/folder-lock.ts';
import { bytes, text } from './store-contract.ts';
import { temporaryFolder } from './temporary.ts';

const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-');

describe('the lock of a folder', () => {
  it('is held by one at a time, and nothing is left when all are done', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, '.index.lock');
    let [inside, most] = [0, 0];
    const enter = async () => {
      await using lock = await lockFile(path, testClock());
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      expect(await lock.held()).toBe(true);
      inside--;
    };
    await Promise.all(Array.from({ length: 10 }, enter));
    expect(most).toBe(1);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('of a process of this host that is gone is taken at once; exactly one of 20 waiting swaps wins', async () => {
    await using folder = await temporaryFolder();
    const clock = testClock();
    const store = folderStore(folder.path, clock);
    const { etag } = await store.put('m/index.json', bytes('0'), { ifNoneMatch: '*' });
    // Linux counts processes to 4,194,304 at most.
    await writeFile(join(folder.path, 'm/.index.json.lock'), `dead-token ${host}.99999999`);
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => store.put('m/index.json', bytes(`${index + 1}`), { ifMatch: etag })),
    );
    const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [`${index + 1}`] : []));
    expect(winners).toEqual([await text((await store.get('m/index.json'))?.body)]);
    expect(await readdir(join(folder.path, 'm'))).toEqual(['index.json']);
  });

  it('of another host is taken when it stood there unchanged for ten seconds of waiting, not before', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, '.index.lock');
    await writeFile(path, 'far-token elsewhere.1');
    const clock = testClock();
    await using lock = await lockFile(path, clock);
    expect(await lock.held()).toBe(true);
    expect(clock.now()).toBeGreaterThan(10_000);
    expect(clock.now()).toBeLessThan(11_000);
  });

  it('whose taker died as well is taken too', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, '.index.lock');
    await writeFile(path, `dead-token ${host}.99999999`);
    await writeFile(`${path}.dead-token`, `other-token ${host}.99999998`);
    await using lock = await lockFile(path, testClock());
    expect(await lock.held()).toBe(true);
    expect(await readdir(folder.path)).toEqual(['.index.lock']);
  });

  it('stops waiting when the signal says so', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, '.index.lock');
    await using _held = await lockFile(path, testClock());
    const leaver = new AbortController();
    const clock = testClock(() => leaver.abort(new Error('left')));
    await expect(lockFile(path, clock, leaver.signal)).rejects.toThrow('left');
  });
});

/** Sleeping moves the time on, and lets everything else have its turn. */
function testClock(onSleep: () => void = () => {}): Clock {
  let time = 0;
  return {
    now: () => time,
    async sleep(ms, signal) {
      time += ms;
      onSleep();
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    },
  };
}
