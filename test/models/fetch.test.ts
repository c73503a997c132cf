// Wrong, late, broken and shared bytes on their way to this disk.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { blobKey } from '../../src/models/blob-key.ts';
import { fetchVersion } from '../../src/models/fetch.ts';
import type { ReadableStore, StoredObject } from '../../src/models/stores/store.ts';
import { temporaryFolder } from './temporary.ts';
import { tinyVersion } from './tiny-version.ts';

const built = tinyVersion('1.0.0', 'the weights of a model');
const { locked } = built;
const model = locked.files['model.onnx']!;

describe('fetchVersion', () => {
  it('puts every file under its digest, and asks the store for none of them the second time', async () => {
    await using cache = await temporaryFolder();
    const { store, asked } = memoryStore();
    const { paths } = await fetchVersion(store, locked, { cacheDir: cache.path });
    expect(await readFile(paths['model.onnx']!, 'utf8')).toBe('the weights of a model');
    expect(await readFile(paths['labels.txt']!, 'utf8')).toBe('a\nb\n');
    expect(await readdir(join(cache.path, 'sha256'))).toHaveLength(2);
    expect(asked).toHaveLength(2);
    await fetchVersion(store, locked, { cacheDir: cache.path });
    expect(asked).toHaveLength(2);
  });

  it('shares one download among all who ask at once', async () => {
    await using cache = await temporaryFolder();
    const { store, asked } = memoryStore();
    await Promise.all(Array.from({ length: 20 }, () => fetchVersion(store, locked, { cacheDir: cache.path })));
    expect(asked).toHaveLength(2);
  });

  it('never makes a file of wrong bytes, and names both digests', async () => {
    await using cache = await temporaryFolder();
    const { store } = memoryStore((bytes) => [Buffer.from(bytes).map((byte) => byte ^ 1)]);
    const error = await fetchVersion(store, locked, { cacheDir: cache.path }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(String(error)).toMatch(/sha256:[0-9a-f]{64}, got sha256:[0-9a-f]{64}/);
    expect(await readdir(join(cache.path, 'sha256'))).toEqual([]);
  });

  it('takes no byte too many', async () => {
    await using cache = await temporaryFolder();
    const { store } = memoryStore((bytes) => [bytes, Buffer.from('more')]);
    const { paths } = await fetchVersion(store, locked, { cacheDir: cache.path });
    expect(await readFile(paths['model.onnx']!, 'utf8')).toBe('the weights of a model');
  });

  it('refuses an object of another size before it lands', async () => {
    await using cache = await temporaryFolder();
    const { store } = memoryStore((bytes) => [bytes], 1);
    await expect(fetchVersion(store, locked, { cacheDir: cache.path })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringMatching(/of \d+ bytes, the store has \d+/),
    });
    expect(await readdir(join(cache.path, 'sha256'))).toEqual([]);
  });

  it('asks for the rest of a stream that ended early, and goes on where it was', async () => {
    await using cache = await temporaryFolder();
    const { store, asked } = memoryStore((bytes) => [bytes.subarray(0, Math.ceil(bytes.length / 2))]);
    const { paths } = await fetchVersion(store, locked, { cacheDir: cache.path });
    expect(await readFile(paths['model.onnx']!, 'utf8')).toBe('the weights of a model');
    expect(asked.filter(([key]) => key === blobKey('tiny', model.digest)).map(([, offset]) => offset)).toEqual([
      0, 11, 17, 20, 21,
    ]);
  });

  it('gives up when nothing comes three times', async () => {
    await using cache = await temporaryFolder();
    const { store } = memoryStore(() => []);
    const nothing = fetchVersion(store, locked, { cacheDir: cache.path });
    await expect(nothing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await readdir(join(cache.path, 'sha256'))).toEqual([]);
  });

  it('of no bytes asks for none, and is found wrong where it should have some', async () => {
    await using cache = await temporaryFolder();
    const empty = { digest: `sha256:${createHash('sha256').digest('hex')}` as const, size: 0, mediaType: 'text/plain' };
    const { store, asked } = memoryStore();
    const of = (file: typeof empty) => ({ ...locked, files: { 'labels.txt': file } });
    const { paths } = await fetchVersion(store, of(empty), { cacheDir: cache.path });
    expect([await readFile(paths['labels.txt']!, 'utf8'), asked]).toEqual(['', []]);
    const wrong = fetchVersion(store, of({ ...empty, digest: model.digest }), { cacheDir: cache.path });
    await expect(wrong).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it('makes the whole file of a stream that broke once', async () => {
    await using cache = await temporaryFolder();
    let broken = 0;
    const { store } = memoryStore((bytes) => {
      if (broken++ > 1) return [bytes];
      return [bytes.subarray(0, 2), new GlowplugError('STORE_UNAVAILABLE', 'the connection broke')];
    });
    const { paths } = await fetchVersion(store, locked, { cacheDir: cache.path });
    expect(await readFile(paths['model.onnx']!, 'utf8')).toBe('the weights of a model');
  });

  it('says which file is not in the store', async () => {
    await using cache = await temporaryFolder();
    const store: ReadableStore = { name: 's3://empty', get: async () => undefined };
    await expect(fetchVersion(store, locked, { cacheDir: cache.path })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringMatching(/tiny:1\.0\.0 (model\.onnx|labels\.txt) \(sha256:.*s3:\/\/empty/),
    });
  });

  it('fetches again what has the right name and the wrong size', async () => {
    await using cache = await temporaryFolder();
    const path = join(cache.path, 'sha256', model.digest.slice(7));
    await mkdir(join(cache.path, 'sha256'));
    await writeFile(path, 'cut');
    await fetchVersion(memoryStore().store, locked, { cacheDir: cache.path });
    expect(await readFile(path, 'utf8')).toBe('the weights of a model');
  });

  it('clears away what a killed process left, and nothing of a living one or of another host', async () => {
    await using cache = await temporaryFolder();
    const folder = join(cache.path, 'sha256');
    await mkdir(folder);
    const part = (owner: string) => `.part-${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}.${owner}`;
    const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-');
    // Linux counts processes to 4,194,304 at most.
    const [dead, alive, far] = [part(`${host}.99999999`), part(`${host}.${process.pid}`), part('elsewhere.99999999')];
    for (const name of [dead, alive, far]) await writeFile(join(folder, name), 'half');
    await fetchVersion(memoryStore().store, locked, { cacheDir: cache.path });
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([alive, far].sort());
  });

  it('says that the cache cannot be written to', async () => {
    await using cache = await temporaryFolder();
    await writeFile(join(cache.path, 'sha256'), 'a file where a folder should be');
    await expect(fetchVersion(memoryStore().store, locked, { cacheDir: cache.path })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      remedy: expect.stringContaining('GLOWPLUG_CACHE'),
    });
  });

  it('lets one caller leave while the others get their file; when the last leaves, nothing stays behind', async () => {
    await using cache = await temporaryFolder();
    const gate = Promise.withResolvers<void>();
    const { store } = memoryStore((bytes) => [bytes.subarray(0, 1), gate.promise, bytes.subarray(1)]);
    const leaver = new AbortController();
    const left = fetchVersion(store, locked, { cacheDir: cache.path, signal: leaver.signal });
    const stayed = fetchVersion(store, locked, { cacheDir: cache.path });
    leaver.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    gate.resolve();
    expect((await stayed).paths['model.onnx']).toBeDefined();

    await using other = await temporaryFolder();
    const never = memoryStore((bytes) => [bytes.subarray(0, 1), Promise.withResolvers<void>().promise]);
    const last = new AbortController();
    const alone = fetchVersion(never.store, locked, { cacheDir: other.path, signal: last.signal });
    last.abort(new Error('gone'));
    await expect(alone).rejects.toThrow('gone');
    expect(await readdir(join(other.path, 'sha256')).catch(() => [])).toEqual([]);
  });
});

type Piece = Uint8Array | Error | Promise<void>;

/** Serves the version's blobs, as the test's `pieces` makes them of the right bytes. */
function memoryStore(pieces: (bytes: Uint8Array) => Piece[] = (bytes) => [bytes], more = 0) {
  const blobs = new Map(
    [...built.blobs].flatMap(([digest, content]): [string, Uint8Array][] =>
      content instanceof Uint8Array ? [[blobKey('tiny', digest), content]] : [],
    ),
  );
  const asked: [key: string, offset: number][] = [];
  const store: ReadableStore = {
    name: 'memory',
    async get(key, { range, signal } = {}): Promise<StoredObject | undefined> {
      const bytes = blobs.get(key);
      if (!bytes) return undefined;
      asked.push([key, range?.[0] ?? 0]);
      const body = ReadableStream.from(play(pieces(bytes.subarray(range?.[0] ?? 0)), signal));
      return { etag: '"e"', size: bytes.length + more, body };
    },
  };
  return { store, asked };
}

async function* play(pieces: Piece[], signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
  aborted.catch(() => {});
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece;
    if (piece instanceof Uint8Array) yield piece;
    else await Promise.race([piece, aborted]);
  }
}
