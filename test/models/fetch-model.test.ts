// A model whose weights fill while a session is made over them: who sees what, and when.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cachePath } from '../../src/models/fetch.ts';
import { fetchModel } from '../../src/models/fetch-model.ts';
import { Sending } from '../../src/models/sending.ts';
import { weightsFile } from '../../src/models/version.ts';
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
    expect((await readdir(join(cache.path, 'sha256'))).filter((one) => one.startsWith('.'))).toEqual([]);
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
      await using model = await fetchModel(gatedStore({ flip: weights.length - 1 }).store, locked, options(cache.path));
      await expect(model.verified).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    }
    expect(await readdir(join(cache.path, 'sha256'))).toEqual([locked.files['model.onnx']!.digest.slice(7)]);
  });

  it('lets several that share a cache fetch at once, each into a file of its own', async () => {
    await using cache = await temporaryFolder();
    const models = await Promise.all(
      Array.from({ length: 4 }, () => fetchModel(gatedStore().store, locked, options(cache.path))),
    );
    await Promise.all(models.map(({ verified }) => verified));
    expect(new Set(models.map(({ path }) => path)).size).toBe(4);
    for (const { path } of models) {
      expect(Buffer.compare(await readFile(join(dirname(path), weightsFile)), weights)).toBe(0);
    }
    await Promise.all(models.map((model) => model[Symbol.asyncDispose]()));
    expect(await readdir(join(cache.path, 'sha256'))).toHaveLength(2);
  });

  it('clears away what a killed process was filling', async () => {
    await using cache = await temporaryFolder();
    const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-');
    const left = `.part-${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}.${host}.99999999`;
    await mkdir(join(cache.path, 'sha256', left), { recursive: true });
    await writeFile(join(cache.path, 'sha256', left, weightsFile), 'half');
    await using model = await fetchModel(gatedStore().store, locked, options(cache.path));
    await model.verified;
    expect(await readdir(join(cache.path, 'sha256'))).not.toContain(left);
  });

  it('says what is not in the store, and leaves nothing behind', async () => {
    await using cache = await temporaryFolder();
    const store = { name: 's3://empty', get: async () => undefined };
    await expect(fetchModel(store, locked, options(cache.path))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await readdir(join(cache.path, 'sha256'))).toEqual([]);
  });
});

function options(cacheDir: string) {
  return { cacheDir, sending: new Sending() };
}
