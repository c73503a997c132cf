// Publishing reads what optimize measured, and refuses what does not pass; the same files publish to the same digest.
import { access, readFile, rm, writeFile } from 'node:fs/promises';
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
import { functionUsing, testApp } from '../release/app.ts';
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

const writeAgain = (root: string, found: Outcome) =>
  writeVariants({
    root,
    name: 'mlp',
    outcome: found,
    modelPath: join(root, 'models/mlp.onnx'),
    bytes: perceptron().bytes,
  });

async function written() {
  const app = await testApp({ 'models/mlp.onnx': perceptron().bytes });
  const { written: files } = await writeAgain(app.root, outcome());
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
    await rm(join(made.root, 'models/mlp.ts'));
    await expect(writeAgain(made.root, { ...outcome(), recommended: { size: 'fp32' } })).rejects.toThrow(
      'expected a variant that is better than model.onnx',
    );
  });
});

describe('written again', () => {
  const definitionOf = async (root: string) => (await loadDefinitions(root))[0];
  const variantsOf = async (root: string) => Object.keys((await definitionOf(root))?.variants ?? {});
  const text = (root: string) => readFile(join(root, 'models/mlp.ts'), 'utf8');
  /** int8-stored as it was, and one more. */
  const with16 = (size: string): Outcome => {
    const found = outcome();
    const candidate = recipesWithoutSamples(perceptron().bytes).find(({ name }) => name === 'fp16')!;
    const fp16 = { ...found.variants[1]!, name: 'fp16', candidate };
    return { ...found, variants: [...found.variants, fp16], recommended: { ...found.recommended, size } };
  };
  const failing = (found: Outcome, name: string): Outcome => ({
    ...found,
    variants: found.variants.map((one) => (one.name === name ? { ...one, failures: ['it is wrong'] } : one)),
  });

  it('is left as it is, version and all, where recipes and gate are the same', async () => {
    await using made = await written();
    await edit(join(made.root, 'models/mlp.ts'), (was) => was.replace('  gate:', '  // Ours.\n  gate:'));
    const before = await text(made.root);
    expect(await writeAgain(made.root, outcome())).toEqual({ written: [], removed: [], version: '1.0.0' });
    expect(await text(made.root)).toBe(before);
  });

  it('has the variants that it had and that still pass, those that were not measured now too', async () => {
    await using made = await written();
    expect(await writeAgain(made.root, with16('fp16'))).toMatchObject({ removed: [], version: '1.1.0' });
    expect(await variantsOf(made.root)).toEqual(['fp32', 'int8-stored', 'fp16']);
    await writeAgain(made.root, { ...with16('int8-stored'), variants: outcome().variants });
    expect(await variantsOf(made.root)).toEqual(['fp32', 'int8-stored', 'fp16']);
    expect((await publishTo(made.root))[0]?.created).toBe(true);
  });

  it('loses a variant that does not pass any more, with its recipe and figures, and says which', async () => {
    await using made = await written();
    const recipe = join(made.root, 'models/mlp/int8-stored.recipe.json');
    const again = await writeAgain(made.root, failing(with16('fp16'), 'int8-stored'));
    expect(again).toMatchObject({ removed: ['int8-stored'], version: '1.1.0' });
    expect(await variantsOf(made.root)).toEqual(['fp32', 'fp16']);
    await expect(access(recipe)).rejects.toThrow('ENOENT');
    expect(Object.keys(JSON.parse(await readFile(gateFile(made.root), 'utf8')).variants)).toEqual(['fp16']);
  });

  it('loses one that was not measured now and does not pass the gate as it is now', async () => {
    await using made = await written();
    const stricter = { ...with16('fp16'), gate: { argmax: 0.999 } };
    const { removed } = await writeAgain(made.root, {
      ...stricter,
      variants: [0, 2].map((at) => stricter.variants[at]!),
    });
    expect(removed).toEqual(['int8-stored']);
  });

  it('leaves the file that was there beside it where that said more than one that is written can', async () => {
    await using made = await written();
    const path = join(made.root, 'models/mlp.ts');
    await edit(path, (was) =>
      was
        .replace(/\s+/g, ' ')
        .replace(/import (.*?;) /, 'import $1\n')
        .replaceAll('}, }', '} }'),
    );
    expect(await writeAgain(made.root, with16('fp16'))).not.toHaveProperty('kept');
    await edit(path, (was) => was.replace('  gate:', '  // Ours.\n  gate:').replace('0.99,', '1 - 0.01,'));
    const before = await text(made.root);
    const stricter = { ...outcome(), gate: { argmax: 0.99 } };
    expect(await writeAgain(made.root, stricter)).toMatchObject({ version: '1.2.0', kept: 'models/mlp.ts.before' });
    expect(await readFile(`${path}.before`, 'utf8')).toBe(before);
    expect((await definitionOf(made.root))?.gate).toEqual({ argmax: 0.99 });
  });

  it('is refused where a function uses a variant that does not pass any more, and nothing is written', async () => {
    await using made = await written();
    await made.app.write('functions/f/function.ts', functionUsing(`{ mlp: 'mlp:prod#int8-stored' }`));
    const before = await text(made.root);
    await expect(writeAgain(made.root, failing(with16('fp16'), 'int8-stored'))).rejects.toThrow(
      'expected mlp#int8-stored to pass still, since a function uses mlp:prod#int8-stored',
    );
    expect(await text(made.root)).toBe(before);
  });

  it('keeps a cold start’s forms of another processor in front, and drops them with the recipe that they are of', async () => {
    await using made = await written();
    const form = (name: string, of: string, needs?: readonly string[]) => {
      const { candidate, ...stored } = outcome().variants[1]!;
      const start = { ...stored.start, ms: 0.5, rounds: [0.5] };
      return { ...stored, name, start, candidate: { ...candidate!, name, of, ...(needs ? { needs } : {}) } };
    };
    const [fp32, stored] = outcome().variants;
    const sooner = form('int8-stored-avx512', 'int8-stored', ['avx512f']);
    await writeAgain(made.root, { ...outcome(), variants: [fp32!, stored!, sooner] });
    const ort = form('int8-stored-ort', 'int8-stored');
    await writeAgain(made.root, { ...outcome(), variants: [fp32!, stored!, ort] });
    expect((await definitionOf(made.root))?.variants?.['int8-stored']?.starts).toEqual([
      'int8-stored-avx512',
      'int8-stored-ort',
    ]);

    const candidate = { ...stored!.candidate!, recipe: { layers: {} } };
    const { removed } = await writeAgain(made.root, {
      ...outcome(),
      variants: [fp32!, { ...stored!, candidate }, ort],
    });
    expect(removed).toEqual(['int8-stored-avx512']);
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
