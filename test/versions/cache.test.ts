// The blobs on this disk: bounded, shared by processes, never taken from who holds them, and never wrong.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { blobKey } from '../../src/models/blob-key.ts';
import { cachePath, makeRoom } from '../../src/models/cache.ts';
import { fetchVersion } from '../../src/models/fetch.ts';
import { fetchModel } from '../../src/models/fetch-model.ts';
import { publish } from '../../src/models/publish.ts';
import { Sending } from '../../src/models/sending.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import type { ReadableStore } from '../../src/models/stores/store.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { root } from '../root.ts';
import { runs } from '../runs.ts';

const versions = Array.from({ length: 6 }, (_, at) => tinyVersion(`${at + 1}.0.0`, new Uint8Array(1000).fill(at + 1)));

describe('room in the cache', () => {
  it('comes from the blobs used longest ago, and only as much as is needed', async () => {
    await using at = await place();
    for (const [age, { locked }] of versions.slice(0, 4).entries()) {
      await fetchVersion(at.store, locked, { cacheDir: at.cache });
      await older(at.cache, locked.files['model.onnx']!.digest, 10 - age);
    }
    await makeRoom(at.cache, 1000, 3100);
    expect(await at.models()).toEqual([3, 4]);
  });

  it('is made when a version is fetched; what was used within the minute stays, though the limit says otherwise', async () => {
    await using at = await place();
    const limit = { cacheDir: at.cache, cacheBytes: 2500 };
    for (const { locked } of versions.slice(0, 4)) await fetchVersion(at.store, locked, limit);
    expect(await at.models()).toEqual([1, 2, 3, 4]);
    for (const { locked } of versions) await older(at.cache, locked.files['model.onnx']!.digest, 5).catch(() => {});
    await fetchVersion(at.store, versions[0]!.locked, limit);
    await fetchVersion(at.store, versions[5]!.locked, limit);
    expect(await at.models()).toEqual([1, 6]);
  });

  it('is never taken from who holds a version: its files stay until it lets them go', async () => {
    await using at = await place();
    const { locked } = versions[0]!;
    const held = await fetchModel(at.store, locked, { cacheDir: at.cache, sending: new Sending() });
    await older(at.cache, locked.files['model.onnx']!.digest, 60);
    await makeRoom(at.cache, 1000, 0);
    expect(await at.models()).toEqual([1]);
    // Not even by somebody who asks nobody.
    await rm(join(at.cache, 'sha256'), { recursive: true });
    expect((await readFile(held.path))[0]).toBe(1);
    await held[Symbol.asyncDispose]();
    expect(await readdir(join(at.cache, 'held'))).toEqual([]);
  });

  it('comes back from holders that were killed, and from an earlier process of the same number', async () => {
    await using at = await place();
    const holds = join(at.cache, 'held');
    const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-');
    const uuid = '00000000-0000-0000-0000-000000000000';
    // Linux counts processes to 4,194,304 at most.
    const [dead, before, far] = [`${uuid}.${host}.99999999`, `${uuid}.${host}.${process.pid}`, `${uuid}.elsewhere.1`];
    for (const name of [dead, before, far]) await mkdir(join(holds, name), { recursive: true });
    await utimes(join(holds, before), new Date(0), new Date(0));
    await using held = await fetchModel(at.store, versions[0]!.locked, { cacheDir: at.cache, sending: new Sending() });
    await held.verified;
    expect((await readdir(holds)).filter((name) => name.startsWith(uuid))).toEqual([far]);
  });

  it('and holds by eight processes that fetch, hold and make room at once: every byte they read is right', async () => {
    await using at = await place();
    const rounds = runs(20);
    const script = `
      const { fetchModel } = await import('./src/models/fetch-model.ts');
      const { Sending } = await import('./src/models/sending.ts');
      const { makeRoom } = await import('./src/models/cache.ts');
      const { folderStore } = await import('./src/models/stores/folder.ts');
      const { createHash } = await import('node:crypto');
      const { readFileSync } = await import('node:fs');
      const [store, cacheDir, versions, rounds] = JSON.parse(process.argv[1]);
      let right = 0;
      for (let round = 0; round < rounds; round++) {
        for (const locked of versions) {
          await using held = await fetchModel(folderStore(store), locked, { cacheDir, cacheBytes: 1500, sending: new Sending() });
          // As if everything were old: the least kind neighbour.
          await makeRoom(cacheDir, 1000, 1500, Date.now() + 3_600_000);
          const got = createHash('sha256').update(readFileSync(held.path)).digest('hex');
          if ('sha256:' + got !== locked.files['model.onnx'].digest) throw new Error('wrong bytes');
          right++;
        }
      }
      console.log(right);`;
    const given = JSON.stringify([at.store.name, at.cache, versions.map(({ locked }) => locked), rounds]);
    const args = ['--conditions=glowplug-source', '--input-type=module', '-e', script, given];
    const processes = Array.from({ length: 8 }, () => promisify(execFile)(process.execPath, args, { cwd: root }));
    await Promise.allSettled(processes);
    const read = (await Promise.all(processes)).reduce((sum, { stdout }) => sum + Number(stdout), 0);
    console.log(`8 processes in one cache of 1.5 KB: ${read} files held and read, none wrong`);
    expect(read).toBe(8 * rounds * versions.length);
    expect(await readdir(join(at.cache, 'held'))).toEqual([]);
  }, 60_000);
});

describe('a blob that is there', () => {
  it('is hashed before its first use in a process: what was changed on the disk is fetched again', async () => {
    await using at = await place();
    const { locked } = versions[0]!;
    const path = cachePath(at.cache, locked.files['model.onnx']!.digest);
    await mkdir(join(at.cache, 'sha256'));
    await writeFile(path, new Uint8Array(1000));
    const { paths } = await fetchVersion(at.store, locked, { cacheDir: at.cache });
    expect((await readFile(paths['model.onnx']!))[0]).toBe(1);
  });

  it('in a read-only folder is used where it lies, and the store is not asked', async () => {
    await using at = await place();
    const nothing: ReadableStore = { name: 'nothing', get: async () => undefined };
    const { locked } = versions[0]!;
    const options = { cacheDir: at.cache, modelsDir: at.store.name, sending: new Sending() };
    await using held = await fetchModel(nothing, locked, options);
    await held.verified;
    expect(await realpath(held.path)).toBe(join(at.store.name, blobKey('tiny', locked.files['model.onnx']!.digest)));
    expect(await readdir(join(at.cache, 'sha256')).catch(() => [])).toEqual([]);
  });

  it('in a read-only folder and not what its name says comes from the store', async () => {
    await using at = await place();
    await using image = await temporaryFolder();
    const { locked } = versions[0]!;
    const { digest } = locked.files['model.onnx']!;
    await mkdir(join(image.path, 'tiny/blobs/sha256'), { recursive: true });
    await writeFile(join(image.path, blobKey('tiny', digest)), new Uint8Array(1000));
    const { paths } = await fetchVersion(at.store, locked, { cacheDir: at.cache, modelsDir: image.path });
    expect(paths['model.onnx']).toBe(cachePath(at.cache, digest));
    expect(
      createHash('sha256')
        .update(await readFile(paths['model.onnx']!))
        .digest('hex'),
    ).toBe(digest.slice(7));
  });
});

/** A store with the versions, and an empty cache. */
async function place() {
  const folder = await temporaryFolder();
  const store = folderStore(join(folder.path, 'store'));
  for (const built of versions) await publish(store, built);
  const cache = join(folder.path, 'cache');
  await mkdir(cache);
  return {
    store,
    cache,
    /** Numbers of the versions whose model is there. */
    async models(): Promise<number[]> {
      const there = new Set(await readdir(join(cache, 'sha256')));
      const digests = versions.map(({ locked }) => locked.files['model.onnx']!.digest.slice(7));
      return digests.flatMap((digest, at) => (there.has(digest) ? [at + 1] : []));
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function older(cache: string, digest: `sha256:${string}`, minutes: number): Promise<void> {
  const path = cachePath(cache, digest);
  const then = new Date((await stat(path)).mtimeMs - minutes * 60_000);
  await utimes(path, then, then);
}
