// A model whose weights fill while a session is made over them: who sees what, and when.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cachePath, makeRoom } from '../../src/models/cache.ts';
import { fetchModel } from '../../src/models/fetch-model.ts';
import { publish } from '../../src/models/publish.ts';
import { Sending } from '../../src/models/sending.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { weightsFile } from '../../src/models/version.ts';
import { root } from '../root.ts';
import { runs } from '../runs.ts';
import { gatedStore, splitVersion, weights } from './split-version.ts';
import { temporaryFolder } from './temporary.ts';

const { locked } = splitVersion;
const digest = locked.files[weightsFile]!.digest;

describe('fetchModel', () => {
  it('has the graph, and the weights at full length under a name of its own, before they came', async () => {
    await using cache = await temporaryFolder();
    const gate = Promise.withResolvers<void>();
    const model = await fetchModel(gatedStore({ gate: gate.promise }).store, locked, options(cache.path));
    const name = join(dirname(model.path), weightsFile);
    expect(await readFile(model.path, 'utf8')).toBe('a graph');
    expect((await stat(name)).size).toBe(weights.length);
    // What another process of the environment looks for.
    expect(existsSync(cachePath(cache.path, digest))).toBe(false);
    gate.resolve();
    await model.verified;
    expect(Buffer.compare(await readFile(cachePath(cache.path, digest)), weights)).toBe(0);
    await model[Symbol.asyncDispose]();
    expect(await readdir(join(cache.path, 'held'))).toEqual([]);
  });

  it('asks the store for nothing the second time', async () => {
    await using cache = await temporaryFolder();
    const { store, asked } = gatedStore();
    await using first = await fetchModel(store, locked, options(cache.path));
    await first.verified;
    const before = asked.length;
    await using second = await fetchModel(store, locked, options(cache.path));
    await second.verified;
    expect(asked).toHaveLength(before);
    expect(Buffer.compare(await readFile(join(dirname(second.path), weightsFile)), weights)).toBe(0);
  });

  it('never gives wrong bytes a name in the cache', async () => {
    await using cache = await temporaryFolder();
    {
      const gate = Promise.withResolvers<void>();
      const { store } = gatedStore({ flip: weights.length - 1, gate: gate.promise });
      await using model = await fetchModel(store, locked, options(cache.path));
      gate.resolve();
      await expect(model.verified).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    }
    expect(existsSync(cachePath(cache.path, digest))).toBe(false);
    expect(await readdir(join(cache.path, 'held'))).toEqual([]);
  });

  it('keeps its files while it is not disposed, whoever makes room, and makes room itself', async () => {
    await using cache = await temporaryFolder();
    const old = cachePath(cache.path, `sha256:${'0'.repeat(64)}`);
    await mkdir(dirname(old));
    await writeFile(old, weights);
    await utimes(old, 0, 0);
    const limited = { ...options(cache.path), cacheBytes: 1.5 * weights.length };
    await using model = await fetchModel(gatedStore().store, locked, limited);
    await model.verified;
    expect(existsSync(old)).toBe(false);
    await makeRoom(cache.path, 1, 0, Date.now() + 3_600_000);
    expect(existsSync(cachePath(cache.path, digest))).toBe(true);
    await rm(dirname(old), { recursive: true });
    expect(Buffer.compare(await readFile(join(dirname(model.path), weightsFile)), weights)).toBe(0);
  });

  it('takes both files from a read-only folder where it has both, and neither where it lacks one', async () => {
    await using cache = await temporaryFolder();
    await using image = await temporaryFolder();
    const { store, asked } = gatedStore();
    const blobs = join(image.path, 'split/blobs/sha256');
    await mkdir(blobs, { recursive: true });
    await writeFile(join(blobs, digest.slice(7)), weights);
    const within = { ...options(cache.path), modelsDir: image.path };
    {
      await using model = await fetchModel(store, locked, within);
      await model.verified;
      expect(await realpath(join(dirname(model.path), weightsFile))).not.toContain(blobs);
    }
    await writeFile(join(blobs, locked.files['model.onnx']!.digest.slice(7)), 'a graph');
    const before = asked.length;
    await using model = await fetchModel(store, locked, within);
    await model.verified;
    expect(await realpath(join(dirname(model.path), weightsFile))).toBe(join(blobs, digest.slice(7)));
    expect(asked).toHaveLength(before);
  });

  it('brings the bytes once for several in this process, who have them under names of their own', async () => {
    await using cache = await temporaryFolder();
    const { store, asked } = gatedStore();
    const models = await Promise.all(Array.from({ length: 4 }, () => fetchModel(store, locked, options(cache.path))));
    expect(models.map(({ fills }) => fills).sort()).toEqual([false, false, false, true]);
    await Promise.all(models.map(({ verified }) => verified));
    // The weights in two ranges.
    expect(asked).toHaveLength(4);
    expect(new Set(models.map(({ path }) => path)).size).toBe(4);
    for (const { path } of models) {
      expect(Buffer.compare(await readFile(join(dirname(path), weightsFile)), weights)).toBe(0);
    }
    await Promise.all(models.map((model) => model[Symbol.asyncDispose]()));
    expect(await readdir(join(cache.path, 'sha256'))).toHaveLength(3);
  });

  it('is brought by who waited when the one that fetched gives up', async () => {
    await using cache = await temporaryFolder();
    const gate = Promise.withResolvers<void>();
    const first = await fetchModel(gatedStore({ gate: gate.promise }).store, locked, options(cache.path));
    await using second = await fetchModel(gatedStore().store, locked, options(cache.path));
    const leaving = first[Symbol.asyncDispose]();
    gate.resolve();
    await leaving;
    await second.verified;
    expect(Buffer.compare(await readFile(join(dirname(second.path), weightsFile)), weights)).toBe(0);
  });

  it('shows no half file to other processes, whoever fetches, reads and makes room beside', async () => {
    await using cache = await temporaryFolder();
    await using folder = await temporaryFolder();
    const store = folderStore(join(folder.path, 'store'));
    await publish(store, splitVersion);
    const rounds = runs(6);
    const given = JSON.stringify([store.name, cache.path, locked, rounds]);
    const args = ['--conditions=glowplug-source', 'test/models/fetch-beside.ts', given];
    const processes = Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, args, { cwd: root }));
    await Promise.allSettled(processes);
    const seen = (await Promise.all(processes)).map(({ stdout }): { whole: number; others: number } =>
      JSON.parse(stdout),
    );
    const sum = (key: 'whole' | 'others') => seen.reduce((total, one) => total + one[key], 0);
    console.log(`4 processes: ${sum('whole')} models fetched, ${sum('others')} files of others hashed, none wrong`);
    expect(sum('whole')).toBe(4 * rounds);
    expect(sum('others')).toBeGreaterThan(0);
    expect(await readdir(join(cache.path, 'held'))).toEqual([]);
  }, 60_000);

  it('clears away what a killed process was filling', async () => {
    await using cache = await temporaryFolder();
    const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-');
    const left = `${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}.${host}.99999999`;
    await mkdir(join(cache.path, 'held', left), { recursive: true });
    await writeFile(join(cache.path, 'held', left, weightsFile), 'half');
    await using model = await fetchModel(gatedStore().store, locked, options(cache.path));
    await model.verified;
    expect(await readdir(join(cache.path, 'held'))).not.toContain(left);
  });

  it('says what is not in the store, and leaves nothing behind', async () => {
    await using cache = await temporaryFolder();
    const store = { name: 's3://empty', get: async () => undefined };
    await expect(fetchModel(store, locked, options(cache.path))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await readdir(join(cache.path, 'sha256'))).toEqual([]);
    expect(await readdir(join(cache.path, 'held'))).toEqual([]);
  });
});

function options(cacheDir: string) {
  return { cacheDir, sending: new Sending() };
}
