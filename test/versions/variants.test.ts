// A version of several variants: published once, resolved and locked by the one that is meant, copied and pulled.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { Environment } from '../../src/handler/environment.ts';
import { fetchVersion } from '../../src/models/fetch.ts';
import { publish } from '../../src/models/publish.ts';
import { pull } from '../../src/models/pull.ts';
import { readVersion } from '../../src/models/read-version.ts';
import { resolve } from '../../src/models/resolve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import { buildVariants } from '../../src/models/variants.ts';
import { publishAll } from '../../src/release/publish-all.ts';
import { checkLock, writeLock } from '../../src/release/write-lock.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { functionUsing, irisModel, testApp } from '../release/app.ts';
import { adder } from './adder.ts';
import { memoryStore } from './memory-store.ts';
import { twoVariants } from './two-variants.ts';
import { wholeTags } from './whole.ts';

describe('a version of several variants', () => {
  it('is an OCI index of manifests, platform and precision beside each, and has this digest', () => {
    const { manifest, locked } = twoVariants();
    expect(JSON.parse(new TextDecoder().decode(manifest))).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      artifactType: 'application/vnd.cncf.model.manifest.v1+json',
      manifests: [
        { mediaType: 'application/vnd.oci.image.manifest.v1+json', annotations: { 'glowplug.variant': 'fp32' } },
        {
          platform: { architecture: 'arm64', os: 'linux' },
          annotations: { 'glowplug.variant': 'int8', 'glowplug.precision': 'int8' },
        },
      ],
    });
    // The bytes of an index are a format: changing them changes every lock file.
    expect(locked.digest).toBe('sha256:e2b7e627611d333bc07f4c49a537ac555d9619db2a31eff02909443c002b6ab7');
  });

  it('resolves to its first variant, or to the one that the reference names', async () => {
    const { store } = memoryStore();
    const built = twoVariants();
    await publish(store, built);
    await tag(store, 'tiny', { from: '1.0.0', to: 'prod' });
    expect(await resolve(store, 'tiny:prod')).toEqual(built.variants['fp32']?.locked);
    expect(await resolve(store, 'tiny:prod#int8')).toEqual(built.variants['int8']?.locked);
    expect(await resolve(store, `tiny@${built.locked.digest}#int8`)).toMatchObject({ variant: 'int8' });
    expect(built.variants['int8']?.locked.digest).toBe(built.locked.digest);
    await expect(resolve(store, 'tiny:prod#fp16')).rejects.toThrow(/variant fp16 .* whose variants are fp32, int8/);
    await publish(store, tinyVersion('2.0.0'));
    await expect(resolve(store, 'tiny:2.0.0#int8')).rejects.toThrow(/variant int8 .* which has none/);
  });

  it('fetches the files of the chosen one alone, and pulls them under their names', async () => {
    await using folder = await temporaryFolder();
    const { store } = memoryStore();
    await publish(store, twoVariants());
    const int8 = await resolve(store, 'tiny:1.0.0#int8');
    const { paths } = await fetchVersion(store, int8, { cacheDir: join(folder.path, 'cache') });
    expect(await readFile(paths['model.onnx']!, 'utf8')).toBe('int8');
    const seen: number[] = [];
    const target = join(folder.path, 'out');
    await pull(store, 'tiny:1.0.0#int8', target, { onProgress: ({ sent, total }) => void seen.push(sent, total) });
    expect(await readFile(join(target, 'model.onnx'), 'utf8')).toBe('int8');
    expect(seen.slice(-2)).toEqual([4, 4]);
    await pull(store, 'tiny:1.0.0#int8', target, { onProgress: ({ skipped }) => void seen.push(skipped) });
    expect(seen.at(-1)).toBe(4);
  });

  it('has a session of its own for each variant, though they share the digest of the version', async () => {
    await using folder = await temporaryFolder();
    const store = folderStore(join(folder.path, 'store'));
    const [one, two] = [adder(1, { version: '1.0.0' }), adder(2, { version: '1.0.0' })];
    const built = buildVariants([
      { name: 'one', built: one },
      { name: 'two', built: two },
    ]);
    await publish(store, built);
    const contract = { ...readContract({}), store: store.name, cacheDir: join(folder.path, 'cache') };
    await using environment = new Environment(contract, { create: createOrtSession });
    const answers = ['one', 'two', 'one'].map(async (name) => {
      const { locked } = built.variants[name]!;
      using lease = await environment.lease(locked);
      const { y } = await lease.session.run({ x: tensor('FP32', [1, 2], Float32Array.of(0, 0)) });
      return [y?.data[0], await environment.text(locked, 'adds.txt')];
    });
    expect(await Promise.all(answers)).toEqual([
      [1, '1'],
      [2, '2'],
      [1, '1'],
    ]);
  });

  it('is copied whole, byte for byte, between two stores, and what is there is not sent again', async () => {
    await using folder = await temporaryFolder();
    const from = folderStore(join(folder.path, 'from'));
    const to = folderStore(join(folder.path, 'to'));
    const { locked } = await publish(from, twoVariants());
    for (const created of [true, false]) {
      const version = await readVersion(from, 'tiny:1.0.0#int8', join(folder.path, 'passing'));
      const progress: number[] = [];
      const copied = await publish(to, version, { onProgress: ({ sent }) => void progress.push(sent) });
      expect(copied).toEqual({ locked, created });
      expect((progress.at(-1) ?? 0) > 0).toBe(created);
    }
    expect(await wholeTags(to, 'tiny')).toEqual(['1.0.0']);
    expect(await resolve(to, 'tiny:1.0.0#int8')).toEqual(await resolve(from, 'tiny:1.0.0#int8'));
  });

  it('is defined by variants, locked by the reference of a function, offline and from a store alike', async () => {
    await using app = await testApp({
      'models/iris.onnx': await readFile(irisModel),
      'models/iris.ts': `import { defineModel, fromPath } from 'glowplug/release';
        const files = { 'model.onnx': fromPath('models/iris.onnx') };
        export default defineModel({
          name: 'iris', version: '1.0.0', license: 'MIT',
          variants: { fp32: { files }, int8: { files, precision: 'int8', architecture: 'arm64' } },
        });`,
      'functions/f/function.ts': functionUsing(`{ a: 'iris:prod', b: 'iris:prod#int8' }`),
    });
    const { lock } = await writeLock({ root: app.root });
    expect(Object.values(lock.models).map(({ variant }) => variant)).toEqual(['fp32', 'int8']);
    const store = folderStore(join(app.root, 'store'));
    await publishAll({ root: app.root, store, as: 'prod' });
    expect(await checkLock({ root: app.root, store })).toEqual([]);
    await app.write('functions/f/function.ts', functionUsing(`{ a: 'iris:prod#fp16' }`));
    await expect(writeLock({ root: app.root })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});
