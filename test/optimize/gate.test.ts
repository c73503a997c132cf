// Publishing reads what optimize measured, and refuses what does not pass; the same files publish to the same digest.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ungatedVariants } from '../../src/build/ungated-variants.ts';
import type { Figures } from '../../src/core/gate.ts';
import { parseGateRecord, withMeasurement } from '../../src/models/gate-record.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import type { Lock } from '../../src/models/version.ts';
import { recipesWithoutSamples } from '../../src/optimize/make-recipes.ts';
import type { Outcome } from '../../src/optimize/outcome.ts';
import { checkLock, defineModel, loadDefinitions, publishAll, writeLock } from '../../src/release/index.ts';
import { writeVariants } from '../../src/release/write-variants.ts';
import { testApp } from '../release/app.ts';
import { perceptron } from './layers.ts';

const figures: Figures = { samples: 50, cosine: 0.999, maxError: 0.1, relativeError: 0.02, argmax: 0.995 };
const processor = { architecture: 'amd64' as const, model: 'Test 3000', features: ['avx2'] };

/** As optimize would have found it. */
function outcome(): Outcome {
  const speed = { threads: 1, batch: 1, p50: 1, p95: 1, p99: 1, rowsPerSecond: 1000, joules: 0, runs: 1 };
  const of = (name: string, size: number) => ({
    name,
    how: '',
    lambda: [],
    start: { loadMs: 1, ms: 1, rounds: [1], peakBytes: 1 },
    failures: [],
    measured: { name, size, loadMs: 1, peakBytes: 1, speeds: [speed] },
  });
  const candidate = recipesWithoutSamples(perceptron().bytes).find(({ name }) => name === 'int8-stored')!;
  return {
    model: 'model.onnx',
    processor,
    gate: { argmax: 0.99, cosine: 0.98 },
    variants: [of('fp32', 10), { ...of('int8-stored', 3), figures, candidate }],
    recommended: { size: 'int8-stored', latency: 'fp32', cost: 'fp32' },
    skipped: [],
  };
}

async function written() {
  const app = await testApp({ 'models/mlp.onnx': perceptron().bytes });
  const files = await writeVariants({
    root: app.root,
    name: 'mlp',
    outcome: outcome(),
    modelPath: join(app.root, 'models/mlp.onnx'),
    bytes: perceptron().bytes,
    objective: 'size',
  });
  return { app, root: app.root, files, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

const publishTo = (root: string) =>
  publishAll({ root, store: folderStore(join(root, 'store')), by: 'a test', now: () => new Date(0) });
const gateFile = (root: string) => join(root, 'models/mlp/gate.json');
async function edit(path: string, change: (text: string) => string) {
  await writeFile(path, change(await readFile(path, 'utf8')));
}

describe('what optimize writes', () => {
  it('is a definition with the original first, the recipe, the gate, and what was measured', async () => {
    await using made = await written();
    expect(made.files).toEqual(['models/mlp/int8-stored.recipe.json', 'models/mlp/gate.json', 'models/mlp.ts']);
    const [definition] = await loadDefinitions(made.root);
    expect(Object.keys(definition?.variants ?? {})).toEqual(['fp32', 'int8-stored']);
    expect(definition?.gate).toEqual({ argmax: 0.99, cosine: 0.98 });
    expect(
      parseGateRecord(await readFile(gateFile(made.root), 'utf8'), 'gate.json').variants['int8-stored']?.measured,
    ).toEqual([{ processor, figures }]);
  });

  it('is published as a version of both variants, to the same digest again, and locked', async () => {
    await using made = await written();
    await made.app.write(
      'functions/f/function.ts',
      `import { inference } from 'glowplug';\nexport const handler = inference({ models: { mlp: 'mlp:prod#int8-stored' } });`,
    );
    const [first] = await publishTo(made.root);
    const [again] = await publishTo(made.root);
    expect([first?.created, again?.created]).toEqual([true, false]);
    expect(again?.locked.digest).toBe(first?.locked.digest);
    await writeLock({ root: made.root });
    await checkLock({ root: made.root });
    const lock: Lock = JSON.parse(await readFile(join(made.root, 'models.lock.json'), 'utf8'));
    const locked = lock.models['mlp:prod#int8-stored'];
    expect(locked?.variant).toBe('int8-stored');
    expect(locked?.files['model.onnx']?.size).toBeLessThan(perceptron().bytes.length / 2);

    expect(ungatedVariants(lock, 'x86_64', made.root)).toEqual([]);
    expect(ungatedVariants(lock, 'arm64', made.root)).toEqual([
      expect.stringContaining('mlp:prod#int8-stored was never gated on arm64, to which it is deployed, but on amd64'),
    ]);
  });

  it('keeps the comment, the licence and the files of a definition that was there, and raises its version', async () => {
    await using made = await written();
    await made.app.write('models/labels.txt', 'a');
    await made.app.write(
      'models/mlp.ts',
      `// Ada's.\nimport { defineModel, fromPath } from 'glowplug/release';\nexport default defineModel({ name: 'mlp', version: '2.3.4', license: 'MIT', files: { 'model.onnx': fromPath('models/mlp.onnx'), 'labels.txt': fromPath('models/labels.txt') } });\n`,
    );
    await writeVariants({
      root: made.root,
      name: 'mlp',
      outcome: outcome(),
      modelPath: 'elsewhere.onnx',
      bytes: perceptron().bytes,
      objective: 'size',
    });
    const text = await readFile(join(made.root, 'models/mlp.ts'), 'utf8');
    expect(text).toMatch(/^\/\/ Ada's\.\nimport \{ defineModel, fromPath, fromRecipe \}/);
    const [definition] = await loadDefinitions(made.root);
    expect(definition).toMatchObject({ version: '2.4.0', license: 'MIT' });
    expect(Object.keys(definition?.variants?.['int8-stored']?.files ?? {}).sort()).toEqual([
      'labels.txt',
      'model.onnx',
    ]);
    expect((await publishTo(made.root))[0]?.created).toBe(true);
  });

  it('is nothing where no variant is better at anything', async () => {
    await using made = await written();
    const none = { ...outcome(), recommended: { size: 'fp32' } };
    await expect(
      writeVariants({
        root: made.root,
        name: 'mlp',
        outcome: none,
        modelPath: 'x',
        bytes: perceptron().bytes,
        objective: 'size',
      }),
    ).rejects.toThrow('expected a variant that is better than model.onnx');
  });
});

describe('publishing', () => {
  it.each<[string, (root: string) => Promise<void>, string]>([
    [
      'was never measured',
      (root) => writeFile(gateFile(root), '{"variants":{}}'),
      'expected mlp#int8-stored to have been measured, models/mlp/gate.json does not tell of it',
    ],
    [
      'does not pass',
      (root) => edit(gateFile(root), (text) => text.replace('"argmax": 0.995', '"argmax": 0.985')),
      'expected mlp#int8-stored to pass its gate, on Test 3000: argmax agreement 0.985 is below 0.99',
    ],
    [
      'was changed since',
      (root) =>
        edit(join(root, 'models/mlp/int8-stored.recipe.json'), (text) =>
          text.replace('"m1"', '"y"').replace(/"y": "stored",\n\s+"y"/, '"y"'),
        ),
      'expected figures of mlp#int8-stored as it is now, models/mlp/gate.json tells of other bytes',
    ],
    [
      'is for an architecture on which it was not measured',
      (root) =>
        edit(join(root, 'models/mlp.ts'), (text) =>
          text.replace("precision: 'int8',", "precision: 'int8', architecture: 'arm64',"),
        ),
      'expected figures of mlp#int8-stored on arm64, for which it was made',
    ],
    [
      'has a record that cannot be read',
      (root) => writeFile(gateFile(root), '{"variants":{"int8-stored":{"digest":"x"}}}'),
      'expected models/mlp/gate.json to hold digests and figures of "int8-stored"',
    ],
    [
      'has figures that are no numbers',
      (root) => edit(gateFile(root), (text) => text.replace('"argmax": 0.995', '"argmax": null')),
      'expected models/mlp/gate.json to hold digests and figures',
    ],
  ])('refuses a variant that %s, and publishes nothing', async (_name, spoil, message) => {
    await using made = await written();
    await spoil(made.root);
    await expect(publishTo(made.root)).rejects.toThrow(message);
    expect(await folderStore(join(made.root, 'store')).head('mlp/index.json')).toBeUndefined();
  });
});

describe('a record', () => {
  const digest = `sha256:${'a'.repeat(64)}` as const;
  const reference = `sha256:${'b'.repeat(64)}` as const;

  it('holds one measurement for each kind of processor, and forgets those of other bytes', () => {
    const arm = { architecture: 'arm64' as const, model: 'G', features: ['asimddp'] };
    const once = withMeasurement({ variants: {} }, 'int8', { digest, reference, processor, figures });
    const twice = withMeasurement(once, 'int8', { digest, reference, processor: arm, figures });
    expect(
      withMeasurement(twice, 'int8', { digest, reference, processor: arm, figures }).variants['int8']?.measured,
    ).toHaveLength(2);
    expect(
      withMeasurement(twice, 'int8', { digest: reference, reference, processor, figures }).variants['int8']?.measured,
    ).toHaveLength(1);
  });
});

describe('a definition’s gate', () => {
  const source = { from: 'path', path: 'a.onnx' } as const;
  const variants = { fp32: { files: { 'model.onnx': source } }, int8: { files: { 'model.onnx': source } } };
  const about = { name: 'a', version: '1.0.0', license: 'MIT' };

  it('has bounds that are numbers, and a reference that is a variant', () => {
    expect(defineModel({ ...about, variants, gate: { cosine: 0.9, reference: 'int8' } }).gate).toBeDefined();
    expect(() => defineModel({ ...about, variants, gate: {} })).toThrow('expected a gate with a bound of cosine');
    expect(() => defineModel({ ...about, variants, gate: { cosine: Number.NaN } })).toThrow('expected bounds of');
    expect(() => defineModel({ ...about, variants, gate: { cosine: 1, reference: 'int4' } })).toThrow(
      'expected the gate’s reference to be a variant, got "int4"',
    );
    expect(() => defineModel({ ...about, variants: { fp32: variants.fp32 }, gate: { cosine: 1 } })).toThrow(
      'where there are variants to compare, got 1',
    );
  });
});
