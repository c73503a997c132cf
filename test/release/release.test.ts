// Definitions, publishing and locking of whole small apps, with a real ONNX model and a folder store.
import { copyFile, readdir, readFile, stat, utimes } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/models/manifest.ts';
import { resolve } from '../../src/models/resolve.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { tag } from '../../src/models/tag.ts';
import {
  buildVersion,
  checkLock,
  defineModel,
  fromPackage,
  fromPath,
  fromUrl,
  loadDefinitions,
  publishAll,
  writeLock,
} from '../../src/release/index.ts';
import { definition, functionUsing, irisModel, testApp } from './app.ts';

const onnx = await readFile(irisModel);
const app = () =>
  testApp({
    'models/iris.ts': definition('iris'),
    'models/iris.onnx': onnx,
    'functions/f/function.ts': functionUsing(`{ iris: 'iris:prod' }`),
  });

describe('buildVersion', () => {
  it('gives the same digest in two folders, of files written at other times and in another order', async () => {
    await using one = await testApp({ 'models/iris.onnx': onnx, 'labels.txt': 'a' });
    await using other = await testApp({ 'labels.txt': 'a' });
    await copyFile(irisModel, join(other.root, 'iris.onnx'));
    await utimes(join(other.root, 'iris.onnx'), 1, 1);
    const about = { name: 'iris', version: '1.0.0', license: 'MIT' };
    const labels = fromPath('labels.txt');
    const first = await buildVersion(
      defineModel({ ...about, files: { 'model.onnx': fromPath('models/iris.onnx'), 'labels.txt': labels } }),
      one.root,
    );
    const second = await buildVersion(
      defineModel({ files: { 'labels.txt': labels, 'model.onnx': fromPath('iris.onnx') }, ...about }),
      other.root,
    );
    expect(second.locked).toEqual(first.locked);
    expect(first.locked.signature.inputs).toEqual({ x: { datatype: 'FP32', shape: ['N', 4] } });
  });

  it('finds a package’s file from a folder below, whatever the package exports', async () => {
    await using one = await testApp({ 'packages/app/package.json': '{}' });
    await one.write('node_modules/data/package.json', '{ "name": "data", "exports": {} }');
    await one.write('node_modules/data/m.onnx', onnx);
    const model = defineModel({
      name: 'iris',
      version: '1.0.0',
      license: 'MIT',
      files: { 'model.onnx': fromPackage('data', 'm.onnx') },
    });
    const { locked } = await buildVersion(model, join(one.root, 'packages/app'));
    expect(locked.files['model.onnx']?.digest).toBe(digestOf(onnx));
  });

  it.each([
    [fromPath('absent.onnx'), 'CONFIG_INVALID', /models\/iris: expected a file of a model at .*absent.onnx/],
    [fromPackage('absent-package', 'a.onnx'), 'DEPENDENCY_MISSING', /absent-package/],
    [fromPath('package.json'), 'MODEL_INVALID', /models\/iris: /],
  ])('says what is wrong with %j', async (source, code, message) => {
    await using one = await testApp({});
    const model = defineModel({ name: 'iris', version: '1.0.0', license: 'MIT', files: { 'model.onnx': source } });
    await expect(buildVersion(model, one.root)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      remedy: expect.not.stringContaining('as the message says'),
    });
  });

  it('downloads a URL once, and refuses bytes that are not what the definition says', async () => {
    await using one = await testApp({});
    await using server = await fileServer(onnx);
    const at = (digest: string) =>
      defineModel({
        name: 'iris',
        version: '1.0.0',
        license: 'MIT',
        files: { 'model.onnx': fromUrl(`${server.url}/iris.onnx`, digest) },
      });
    await expect(buildVersion(at(`sha256:${'0'.repeat(64)}`), one.root)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    expect(await readdir(join(one.root, '.glowplug/cache/sha256'))).toEqual([]);
    const model = at(digestOf(onnx));
    const { locked } = await buildVersion(model, one.root);
    expect(await buildVersion(model, one.root)).toMatchObject({ locked });
    expect(server.requests()).toBe(2);
  });
});

describe('loadDefinitions', () => {
  it('gives every definition by name, and an edited one anew', async () => {
    await using one = await testApp({
      'models/b.ts': definition('b'),
      'models/a.ts': definition('a'),
      'models/a/train.ts': 'throw new Error("not a definition")',
      'models/types.d.ts': 'export {};',
    });
    expect((await loadDefinitions(one.root)).map(({ name }) => name)).toEqual(['a', 'b']);
    await one.write('models/a.ts', definition('a', '2.0.0'));
    await utimes(join(one.root, 'models/a.ts'), 9, 9);
    expect((await loadDefinitions(one.root))[0]?.version).toBe('2.0.0');
  });

  it('gives none where there is no folder models', async () => {
    await using one = await testApp({});
    expect(await loadDefinitions(one.root)).toEqual([]);
  });

  it.each([
    ['export const x = 1;', /models\/a.ts to export default defineModel/],
    [definition('b'), /models\/a.ts to define a, it defines b/],
    [definition('a', 'v1'), /models\/a.ts: .*begins with a digit/],
    ['export default {', /models\/a.ts cannot be imported/],
    ['import "not-installed-anywhere";', /models\/a.ts cannot be imported: .*not-installed-anywhere/],
  ])('names the file of %j', async (text, message) => {
    await using one = await testApp({ 'models/a.ts': text });
    await expect(loadDefinitions(one.root)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

describe('writeLock', () => {
  it('locks, offline, what the definitions would publish, and writes the types; then there is nothing to change', async () => {
    await using one = await app();
    expect(await checkLock({ root: one.root })).toEqual(['iris:prod']);
    const { lock, changed } = await writeLock({ root: one.root });
    expect(changed).toEqual(['iris:prod']);
    const [model] = await loadDefinitions(one.root);
    expect(lock.models['iris:prod']).toEqual((await buildVersion(model!, one.root)).locked);
    expect(await readFile(join(one.root, 'models.d.ts'), 'utf8')).toContain("inputs: { x: 'FP32' }");
    expect(await checkLock({ root: one.root })).toEqual([]);
    const { mtimeMs } = await stat(join(one.root, 'models.lock.json'));
    expect((await writeLock({ root: one.root })).changed).toEqual([]);
    expect((await stat(join(one.root, 'models.lock.json'))).mtimeMs).toBe(mtimeMs);
  });

  it('tells what is stale: a reference that came, one that went, a file that was edited', async () => {
    await using one = await app();
    await writeLock({ root: one.root });
    await one.write('functions/f/function.ts', functionUsing(`{ iris: 'iris:candidate' }`));
    expect(await checkLock({ root: one.root })).toEqual(['iris:candidate', 'iris:prod']);
    await writeLock({ root: one.root });
    await one.write('models.d.ts', 'export {};');
    expect(await checkLock({ root: one.root })).toEqual(['models.d.ts']);
    await one.write('models.lock.json', '{');
    expect(await checkLock({ root: one.root })).toEqual(['iris:candidate']);
  });

  it('locks what the store’s channel names, though the definition is ahead of it', async () => {
    await using one = await app();
    const store = folderStore(join(one.root, 'store'));
    await publishAll({ root: one.root, store, as: 'prod' });
    const first = await resolve(store, 'iris:prod');
    await one.write('models/iris.ts', definition('iris', '2.0.0'));
    await publishAll({ root: one.root, store });
    const { lock } = await writeLock({ root: one.root, store });
    expect(lock.models['iris:prod']).toEqual(first);
    await tag(store, 'iris', { from: '2.0.0', to: 'prod' });
    expect(await checkLock({ root: one.root, store })).toEqual(['iris:prod']);
  });

  it('keeps a version that is locked when the definition has gone on to the next', async () => {
    await using one = await app();
    await one.write('functions/f/function.ts', functionUsing(`{ iris: 'iris:1.0.0' }`));
    const { lock } = await writeLock({ root: one.root });
    await one.write('models/iris.ts', definition('iris', '2.0.0'));
    expect((await writeLock({ root: one.root })).lock).toEqual(lock);
  });

  it.each([
    [`{ iris: 'iris:3.0.0' }`, 'MODEL_NOT_FOUND', /expected iris:3.0.0, models\/iris.ts would publish 1.0.0/],
    [`{ other: 'other:prod' }`, 'MODEL_NOT_FOUND', /expected models\/other.ts/],
    [`{ iris: 'iris:no spaces' }`, 'REFERENCE_INVALID', /iris:no spaces/],
  ])('says what is wrong with %s, and leaves the lock as it was', async (models, code, message) => {
    await using one = await app();
    await writeLock({ root: one.root });
    const before = await readFile(join(one.root, 'models.lock.json'), 'utf8');
    await one.write('functions/f/function.ts', functionUsing(models));
    await expect(writeLock({ root: one.root })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await readFile(join(one.root, 'models.lock.json'), 'utf8')).toBe(before);
  });
});

describe('publishAll', () => {
  it('publishes every definition once, moves the channel, and says what was new', async () => {
    await using one = await app();
    const store = folderStore(join(one.root, 'store'));
    const heard: string[] = [];
    const options = { root: one.root, store, onProgress: (message: string) => heard.push(message) };
    expect((await publishAll(options)).map(({ created }) => created)).toEqual([true]);
    await expect(resolve(store, 'iris:prod')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const [again] = await publishAll({ ...options, as: 'prod' });
    expect(again).toEqual({ locked: await resolve(store, 'iris:prod'), created: false });
    expect(heard[0]).toContain('iris:1.0.0');
  });
});

async function fileServer(bytes: Uint8Array) {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.setHeader('content-length', bytes.length).end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
