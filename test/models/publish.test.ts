// publish, resolve and tag over a folder store; the drivers' own conditions are proven by the store contract.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildManifest, digestOf } from '../../src/models/manifest.ts';
import { readIndex, tagOf } from '../../src/models/model-index.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import type { Store } from '../../src/models/stores/store.ts';
import { tag } from '../../src/models/tag.ts';
import { temporaryFolder } from './temporary.ts';
import { signature, tinyVersion } from './tiny-version.ts';

describe('a version', () => {
  it('has the same digest whatever the order of its files, and another for another version of the same files', () => {
    const [a, b] = [Buffer.from('a'), Buffer.from('b')];
    const parts = { model: 'tiny', license: 'MIT', signature };
    const one = buildManifest({ ...parts, version: '1.0.0', files: { 'model.onnx': a, 'labels.txt': b } });
    const other = buildManifest({ ...parts, version: '1.0.0', files: { 'labels.txt': b, 'model.onnx': a } });
    const next = buildManifest({ ...parts, version: '1.0.1', files: { 'model.onnx': a, 'labels.txt': b } });
    expect(other.locked.digest).toBe(one.locked.digest);
    expect(next.locked.digest).not.toBe(one.locked.digest);
  });

  it('has this digest: the bytes of a manifest are a format, and changing them changes every lock file', () => {
    expect(tinyVersion().locked.digest).toBe('sha256:4eaeb6b3923753d2360dc9a9b905f1b8a12b702d56ebb046556202203938f5db');
  });

  it('is an OCI manifest of the ModelPack media types', () => {
    const { manifest, locked } = tinyVersion();
    expect(digestOf(manifest)).toBe(locked.digest);
    expect(JSON.parse(Buffer.from(manifest).toString())).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/vnd.cncf.model.manifest.v1+json',
      config: { mediaType: 'application/vnd.cncf.model.config.v1+json' },
      layers: [
        {
          mediaType: 'application/vnd.cncf.model.weight.config.v1.raw',
          annotations: { 'org.cncf.model.filepath': 'labels.txt' },
        },
        {
          mediaType: 'application/vnd.cncf.model.weight.v1.raw',
          annotations: { 'org.cncf.model.filepath': 'model.onnx' },
        },
      ],
    });
  });
});

describe('publish', () => {
  it('makes a version that its tag, its digest and both resolve to', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    const { locked, created } = await publish(store, tinyVersion());
    expect(created).toBe(true);
    expect(await resolve(store, 'tiny:1.0.0')).toEqual(locked);
    expect(await resolve(store, `tiny@${locked.digest}`)).toEqual(locked);
    expect(await resolve(store, `tiny:ignored@${locked.digest}`)).toEqual(locked);
    expect(JSON.parse(await readFile(join(folder.path, 'tiny/oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
  });

  it('sends nothing the second time', async () => {
    await using folder = await temporaryFolder();
    const { store, puts } = recorded(folderStore(folder.path));
    await publish(store, tinyVersion());
    expect(puts.at(-1)).toBe('tiny/index.json');
    expect(puts.at(-2)).toMatch(/^tiny\/blobs\/sha256\//);
    puts.length = 0;
    expect(await publish(store, tinyVersion())).toMatchObject({ created: false });
    expect(puts).toEqual([]);
  });

  it('refuses other bytes for a version that is there, says what to do, and sends none of them', async () => {
    await using folder = await temporaryFolder();
    const { store, puts } = recorded(folderStore(folder.path));
    await publish(store, tinyVersion());
    puts.length = 0;
    await expect(publish(store, tinyVersion('1.0.0', 'other'))).rejects.toMatchObject({
      code: 'STORE_CONFLICT',
      remedy: expect.stringContaining('models/tiny.ts'),
    });
    expect(puts).toEqual([]);
  });

  it('lets exactly one of 20 win that publish different bytes as the same version at once', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    const built = Array.from({ length: 20 }, (_, index) => tinyVersion('1.0.0', `bytes ${index}`));
    const results = await Promise.allSettled(built.map((one) => publish(store, one)));
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.locked.digest] : []));
    expect(won).toHaveLength(1);
    expect((await resolve(store, 'tiny:1.0.0')).digest).toBe(won[0]);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'STORE_CONFLICT' });
    }
  });

  it('keeps every version of 12 that are published at once', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    const versions = Array.from({ length: 12 }, (_, index) => `1.0.${index}`);
    await Promise.all(versions.map((version) => publish(store, tinyVersion(version))));
    const index = await readIndex(store, 'tiny');
    expect(index?.manifests.map(tagOf)).toEqual([...versions].sort());
  });

  it('refuses to build on a blob that is cut off in the store', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    const built = tinyVersion();
    await publish(store, built);
    const { digest } = built.locked.files['model.onnx']!;
    await writeFile(join(folder.path, 'tiny/blobs/sha256', digest.slice(7)), 'cut');
    await expect(publish(store, built)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

describe('tag', () => {
  it('moves a channel to a version by its tag or its digest, and says where it was', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    const [one, two] = [tinyVersion('1.0.0'), tinyVersion('2.0.0')];
    for (const built of [one, two]) await publish(store, built);
    expect(await tag(store, 'tiny', { from: '1.0.0', to: 'prod' })).toMatchObject({
      digest: one.locked.digest,
      previous: undefined,
    });
    expect(await tag(store, 'tiny', { from: two.locked.digest, to: 'prod' })).toMatchObject({
      digest: two.locked.digest,
      previous: one.locked.digest,
    });
    expect(await resolve(store, 'tiny:prod')).toEqual(two.locked);
    expect(await resolve(store, 'tiny:1.0.0')).toEqual(one.locked);
  });

  it('keeps all of 12 channels that are moved at once', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    await publish(store, tinyVersion());
    const channels = Array.from({ length: 12 }, (_, index) => `channel-${String(index).padStart(2, '0')}`);
    await Promise.all(channels.map((to) => tag(store, 'tiny', { from: '1.0.0', to })));
    const index = await readIndex(store, 'tiny');
    expect(index?.manifests.map(tagOf)).toEqual(['1.0.0', ...channels]);
  });

  it('refuses to move a version’s tag, and to move to what is not there', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    await publish(store, tinyVersion());
    await expect(tag(store, 'tiny', { from: '1.0.0', to: '1.0.1' })).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    await expect(tag(store, 'tiny', { from: '9.0.0', to: 'prod' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(tag(store, 'none', { from: '1.0.0', to: 'prod' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(tag(store, '../x', { from: '1.0.0', to: 'prod' })).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
    });
  });

  it('keeps descriptors that another tool wrote into the index', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    await publish(store, tinyVersion());
    const path = join(folder.path, 'tiny/index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    index.manifests.push({ mediaType: 'x/y', digest: `sha256:${'0'.repeat(64)}`, size: 3, platform: { os: 'linux' } });
    await writeFile(path, JSON.stringify(index));
    await tag(store, 'tiny', { from: '1.0.0', to: 'prod' });
    expect(JSON.parse(await readFile(path, 'utf8')).manifests).toContainEqual(index.manifests.at(-1));
  });
});

describe('resolve', () => {
  it('says which tags there are when there is not the one', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    await publish(store, tinyVersion());
    await expect(resolve(store, 'tiny:prod')).rejects.toThrow(/tiny:prod .* whose tags are 1\.0\.0/);
    await expect(resolve(store, 'none:prod')).rejects.toThrow(/no such model/);
    const absent = resolve(store, `tiny@sha256:${'0'.repeat(64)}`);
    await expect(absent).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('never believes a manifest whose bytes are not its digest, or an index that is none', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    const { locked } = await publish(store, tinyVersion());
    await writeFile(join(folder.path, 'tiny/blobs/sha256', locked.digest.slice(7)), '{"schemaVersion":2}');
    await expect(resolve(store, 'tiny:1.0.0')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await writeFile(join(folder.path, 'tiny/index.json'), '<html>');
    await expect(resolve(store, 'tiny:1.0.0')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('refuses the manifest of another model, which a copied index may name', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(folder.path);
    const { locked, manifest } = tinyVersion();
    await store.put(`other/blobs/sha256/${locked.digest.slice(7)}`, manifest, { ifNoneMatch: '*' });
    await expect(resolve(store, `other@${locked.digest}`)).rejects.toThrow(/version of other, it is one of tiny/);
  });
});

function recorded(store: Store): { store: Store; puts: string[] } {
  const puts: string[] = [];
  return {
    puts,
    store: {
      ...store,
      put(key, ...rest) {
        puts.push(key);
        return store.put(key, ...rest);
      },
    },
  };
}
