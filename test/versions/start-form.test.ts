// A cold start may open another variant of the version, whose graph was optimised beforehand: the first that the processor can
// run, the version's own else; published, locked and resolved with it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { Environment } from '../../src/handler/environment.ts';
import { parseLock } from '../../src/models/lock.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { startForm } from '../../src/models/start-form.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { buildVariants } from '../../src/models/variants.ts';
import type { LockedVersion } from '../../src/models/version.ts';
import { newNode } from '../../src/onnx/new-node.ts';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import {
  buildVersion,
  defineModel,
  fromPath,
  publishAll,
  resolve as resolveIn,
  writeLock,
} from '../../src/release/index.ts';
import { cpuFeatures } from '../../src/session/cpu-features.ts';
import { createOrtSession, prepareOrt } from '../../src/session/ort.ts';
import type { Runtime, SessionOptions } from '../../src/session/session.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { functionUsing, irisModel, testApp } from '../release/app.ts';
import { adder } from './adder.ts';

const [here = 'fpu'] = cpuFeatures();
const nowhere = 'not_of_this_earth';

describe('the form of a cold start', () => {
  it.each([
    ['the first that this processor can run', { needs: [here] }, {}, 2, { optimized: true }],
    ['the next where it lacks what the first needs', { needs: [here, nowhere] }, {}, 3, { optimized: true }],
    ['its own for a server, which optimises for itself', { needs: [here], stays: true }, {}, 1, {}],
    ['its own from a folder that has no other', { needs: [here] }, { modelsDir: 'x' }, 1, {}],
  ] as const)('is %s', async (_what, { needs, ...how }, contract, answer, options) => {
    await using folder = await temporaryFolder();
    const store = folderStore(join(folder.path, 'store'));
    const built = (number: number) => adder(number, { version: '1.0.0' });
    const version = buildVariants([
      { name: 'fp32', built: built(1), starts: ['fp32-avx512', 'fp32-ort'] },
      { name: 'fp32-avx512', built: built(2), needs },
      { name: 'fp32-ort', built: built(3) },
    ]);
    await publish(store, version);
    const locked = await resolve(store, 'adder:1.0.0');
    expect(locked).toEqual(version.locked);
    const made: SessionOptions[] = [];
    const create: Runtime['create'] = async (path, its) => {
      made.push(its);
      return await createOrtSession(path, its);
    };
    await using environment = new Environment(
      { ...readContract({}), store: store.name, cacheDir: join(folder.path, 'cache'), ...contract },
      'stays' in how ? { create } : { create, prepare: prepareOrt },
    );
    using lease = await environment.lease(locked);
    const { y } = await lease.session.run({ x: tensor('FP32', [1, 2], Float32Array.of(0, 0)) });
    expect(y?.data[0]).toBe(answer);
    expect(made).toEqual([{ threads: expect.any(Number), mapped: false, ...options }]);
    // Labels and the like are the version's own.
    expect(await environment.text(locked, 'adds.txt')).toBe('1');
  });

  it('is asked for features only where a form needs some', () => {
    const files = { 'model.onnx': { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'x' } } as const;
    const locked = { ...adder(1).locked, starts: [{ variant: 'ort', files }] };
    const never = () => {
      throw new Error('read');
    };
    expect(startForm(locked, never)).toMatchObject({ variant: 'ort', files: { ...files, 'adds.txt': {} } });
    expect(startForm(adder(1).locked, never)).toEqual(adder(1).locked);
  });
});

describe('publishing forms', () => {
  const files = { 'model.onnx': fromPath('models/iris.onnx') };
  const define = (variants: object) => () =>
    // @ts-expect-error what JavaScript would let through
    defineModel({ name: 'iris', version: '1.0.0', license: 'MIT', variants });

  it.each([
    [{ fp32: { files, starts: [] } }, /starts to name variants, got \[\]/],
    [{ fp32: { files, starts: 'ort' } }, /starts to name variants, got "ort"/],
    [{ fp32: { files, starts: ['ort'] } }, /starts to name other variants, .* got "ort"/],
    [{ fp32: { files, starts: ['fp32'] } }, /got "fp32"/],
    [{ fp32: { files, starts: ['a'] }, a: { files, starts: ['b'] }, b: { files } }, /got "a"/],
    [
      { fp32: { files, needs: 'avx512f' } },
      /needs such as \['avx512f'\], as \/proc\/cpuinfo names them, got "avx512f"/,
    ],
    [{ fp32: { files, needs: ['AVX-512'] } }, /got \["AVX-512"\]/],
    [{ fp32: { files, arena: false } }, /needs and starts, got "arena"/],
  ])('refuses %j where it is defined', (variants, message) => {
    expect(define(variants)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('locks what the store will resolve, in the slice of who uses the model', async () => {
    await using app = await testApp({
      'models/iris.onnx': await readFile(irisModel),
      'models/iris.ts': `import { defineModel, fromPath } from 'glowplug/release';
        const files = { 'model.onnx': fromPath('models/iris.onnx') };
        export default defineModel({
          name: 'iris', version: '1.0.0', license: 'MIT',
          variants: { fp32: { files, starts: ['wide', 'any'] }, wide: { files, needs: ['avx512f'] }, any: { files } },
        });`,
      'functions/f/function.ts': functionUsing(`{ a: 'iris:prod' }`),
    });
    const { lock } = await writeLock({ root: app.root });
    const store = folderStore(join(app.root, 'store'));
    await publishAll({ root: app.root, store, as: 'prod' });
    const locked = lock.models['iris:prod'];
    expect(locked?.starts?.map(({ variant, needs }) => [variant, needs])).toEqual([
      ['wide', ['avx512f']],
      ['any', undefined],
    ]);
    expect(await resolveIn(store, 'iris:prod')).toEqual(locked);
    expect(parseLock(await readFile(join(app.root, 'models.lock.json'), 'utf8')).models['iris:prod']).toEqual(locked);
  });

  it('refuses a graph that is laid out for one processor and does not say which, and one of other inputs', async () => {
    await using app = await testApp({ 'models/iris.onnx': await readFile(irisModel) });
    const bound = readModel(await readFile(irisModel));
    bound.graph.node.push(newNode('Conv', ['x', 'x'], ['z'], {}, 'com.microsoft.nchwc'));
    await writeFile(join(app.root, 'models/bound.onnx'), writeModel(bound));
    const other = readModel(await readFile(irisModel));
    other.graph.input[0]!.name = 'other';
    await writeFile(join(app.root, 'models/other.onnx'), writeModel(other));
    const variant = (path: string, more = {}) => ({
      files: { 'model.onnx': fromPath(`models/${path}.onnx`) },
      ...more,
    });
    const build = (variants: Parameters<typeof defineModel>[0]['variants'] & object) =>
      buildVersion(defineModel({ name: 'iris', version: '1.0.0', license: 'MIT', variants }), app.root);
    await expect(build({ fp32: variant('iris'), wide: variant('bound') })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('variant wide: expected what its graph needs of the processor'),
      remedy: expect.stringContaining("needs: ['avx512f']"),
    });
    await expect(build({ fp32: variant('iris', { starts: ['a'] }), a: variant('other') })).rejects.toMatchObject({
      message: expect.stringContaining('expected starts with its own inputs and outputs, a has others'),
    });
    await build({ fp32: variant('iris', { starts: ['wide'] }), wide: variant('bound', { needs: ['avx512f'] }) });
  });

  it.each<[object, RegExp]>([
    [{ starts: {} }, /starts to be an array/],
    [{ starts: [{ variant: 'a', files: {} }] }, /starts\[0\].files to hold model.onnx/],
    [{ starts: [{ variant: 1, files: {} }] }, /starts\[0\].variant to be a string, got 1/],
    [{ starts: [{ variant: 'a', needs: 'avx', files: {} }] }, /needs to be features of a processor, got "avx"/],
  ])('a lock file with %j is refused', (change, message) => {
    const locked: LockedVersion = { ...adder(1).locked, ...change };
    expect(() => parseLock(JSON.stringify({ lockVersion: 1, models: { 'adder:prod': locked } }))).toThrow(
      expect.objectContaining({ code: 'LOCK_STALE', message: expect.stringMatching(message) }),
    );
  });
});
