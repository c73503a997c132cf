// Our variants beside those of Python's onnxruntime.quantization, on small models: as near to FP32, and as small.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openReference } from '../../bench/optimize/reference.ts';
import { recipesWithoutSamples, staticRecipes } from '../../src/optimize/make-recipes.ts';
import { openBytes } from '../../src/optimize/open-bytes.ts';
import { compareOutputs, totalParity } from '../../src/optimize/parity.ts';
import { applyRecipe } from '../../src/optimize/recipe.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { attention, type Case, convolutions, perceptron, recurrent } from '../optimize/layers.ts';
import { npy } from '../optimize/npy-files.ts';

const reference = await openReference();

async function nearness({ bytes, feeds }: Case, variant: Uint8Array): Promise<number> {
  await using right = await openBytes(bytes, 1);
  await using other = await openBytes(variant, 1);
  const counts = [];
  for (let seed = 0; seed < 50; seed++)
    counts.push(compareOutputs(await right.run(feeds(seed)), await other.run(feeds(seed))));
  return totalParity(counts).relativeError;
}

if (!reference) {
  it.skip('onnxruntime.quantization: there is no Python that it can be installed for', () => {});
} else {
  describe('onnxruntime.quantization', () => {
    it.each([
      ['dynamic', 'perceptron', perceptron],
      ['dynamic', 'LSTM', recurrent],
      ['dynamic', 'attention', attention],
      ['static', 'perceptron', perceptron],
      ['static', 'convolutions', convolutions],
    ] as const)(
      '%s, %s: ours is no further from FP32, and no larger',
      async (kind, what, make) => {
        await using folder = await temporaryFolder();
        const one = make();
        const model = join(folder.path, 'model.onnx');
        writeFileSync(model, one.bytes);
        const samples = Array.from({ length: 30 }, (_, at) => ({ name: `${at}`, feeds: one.feeds(100 + at) }));
        const arrays = join(folder.path, 'samples');
        mkdirSync(arrays);
        for (const [at, { feeds }] of samples.entries()) {
          const x = feeds['x'];
          if (x?.datatype === 'FP32') writeFileSync(join(arrays, `${100 + at}.npy`), npy('<f4', x.shape, x.data));
        }
        const theirs = reference(kind, model, arrays, folder.path);
        const recipe =
          kind === 'dynamic'
            ? recipesWithoutSamples(one.bytes).find(({ name }) => name === 'int8-dynamic')!.recipe
            : (await staticRecipes(one.bytes, samples, ['minmax'], 1))[0]!.recipe;
        const ours = applyRecipe(one.bytes, recipe);
        const [own, their] = [await nearness(one, ours), await nearness(one, theirs!.bytes)];
        console.log(
          `${kind}, ${what}: relative error ${own.toFixed(4)} against ${their.toFixed(4)}, ${ours.length} against ${theirs!.bytes.length} bytes`,
        );
        expect(own).toBeLessThanOrEqual(their * 1.1);
        expect(ours.length).toBeLessThanOrEqual(theirs!.bytes.length * 1.05);
      },
      120_000,
    );
  });
}
