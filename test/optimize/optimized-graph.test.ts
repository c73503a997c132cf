// A graph that onnxruntime optimised beforehand travels in a recipe without its weights, comes back the same, and answers over
// mapped weights as its model does.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { weightsFile } from '../../src/models/version.ts';
import { readModel } from '../../src/onnx/read.ts';
import { splitWeights } from '../../src/onnx/split-weights.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { recipesWithoutSamples } from '../../src/optimize/make-recipes.ts';
import { openBytes } from '../../src/optimize/open-bytes.ts';
import { optimizedBeforehand } from '../../src/optimize/optimize-beforehand.ts';
import { packGraph, unpackGraph } from '../../src/optimize/optimized-graph.ts';
import { compareOutputs, totalParity } from '../../src/optimize/parity.ts';
import { applyRecipe, parseRecipe, serializeRecipe } from '../../src/optimize/recipe.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { saveOptimized } from '../../src/session/save-optimized.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { perceptron } from './layers.ts';
import { realModels } from './real-models.ts';

const float = { name: 'fp32', precision: 'fp32', recipe: { layers: {} }, how: 'FP32' };

describe('a graph optimised beforehand', () => {
  it.each(realModels.filter(({ name }) => ['rec', 'det', 'cls', 'silero v5'].includes(name)))(
    '$name: a recipe of some kilobytes, and over mapped weights the answers of the model but for rounding',
    async ({ bytes, feeds }) => {
      await using folder = await temporaryFolder();
      const candidates = await optimizedBeforehand(bytes, float);
      expect(candidates[0]).toMatchObject({ name: 'fp32-ort', of: 'fp32' });
      expect(candidates[0]!.needs).toBeUndefined();
      await using reference = await openBytes(bytes, 1);
      for (const { name, recipe } of candidates) {
        const text = serializeRecipe(recipe);
        expect(text.length).toBeLessThan(32_000);
        const made = applyRecipe(bytes, parseRecipe(text, name));
        expect(readModel(made).graph.node.length).toBeLessThan(readModel(bytes).graph.node.length);
        await using mapped = await openPublished(made, join(folder.path, name));
        expect(mapped.signature).toEqual(reference.signature);
        const counts = [];
        for (const one of feeds) counts.push(compareOutputs(await reference.run(one), await mapped.run(one)));
        // Probabilities, of det all near 0.
        expect(totalParity(counts).maxError).toBeLessThan(1e-5);
      }
    },
    60_000,
  );

  it('comes back with the weights in their places', async () => {
    await using folder = await temporaryFolder();
    const { bytes } = perceptron();
    const [source, target] = [join(folder.path, 'model.onnx'), join(folder.path, 'optimized.onnx')];
    await writeFile(source, bytes);
    await saveOptimized(source, target, 'extended');
    const optimized = readModel(await readFile(target));
    const text = packGraph(writeModel(optimized), bytes)!;
    expect(text.length).toBeLessThan(bytes.length / 2);
    optimized.graph.valueInfo = [];
    expect(Buffer.compare(unpackGraph(text, bytes), writeModel(optimized))).toBe(0);
  });

  it('is the same recipe whatever onnxruntime calls the nodes that it puts in', () => {
    const { bytes } = perceptron();
    const named = (name: string) => {
      const model = readModel(bytes);
      Object.assign(model.graph.node[0]!, { opType: 'ReorderOutput', name });
      return packGraph(writeModel(model), bytes);
    };
    expect(named('ReorderOutput_token_154')).toBe(named('ReorderOutput_token_169'));
  });

  it('is of its weights alone: other ones, and what is no graph, are refused with what to do', () => {
    const { bytes } = perceptron();
    const text = packGraph(bytes, bytes)!;
    const other = readModel(bytes);
    for (const tensor of other.graph.initializer) tensor.rawData = tensor.rawData.map((byte) => byte ^ 1);
    const refusal = (message: string) =>
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(message),
        remedy: 'Make the recipe again: glowplug optimize.',
      });
    expect(() => unpackGraph(text, writeModel(other))).toThrow(refusal('got one with weights (sha256:'));
    expect(() => unpackGraph('bm90IGRlZmxhdGVk', bytes)).toThrow(refusal('got one whose graph cannot be read'));
    const bomb = deflateRawSync(Buffer.alloc(65 * 2 ** 20)).toString('base64');
    expect(() => unpackGraph(bomb, bytes)).toThrow(refusal('got one whose graph cannot be read'));
    expect(() => parseRecipe('{"layers":{},"graph":[]}', 'x')).toThrow(/expected a recipe in x, got the graph \[\]/);
  });

  it('is none where onnxruntime would compute the weights anew', async () => {
    const { bytes } = realModels.find(({ name }) => name === 'cls')!;
    const stored = recipesWithoutSamples(bytes).find(({ name }) => name === 'int8-stored')!;
    expect(await optimizedBeforehand(bytes, stored)).toEqual([]);
  });
});

/** As publishing lays it and a cold start opens it. */
async function openPublished(bytes: Uint8Array, folder: string) {
  await mkdir(folder);
  const path = join(folder, 'model.onnx');
  const split = splitWeights(bytes, weightsFile);
  await writeFile(path, split?.graph ?? bytes);
  if (split) await writeFile(join(folder, weightsFile), split.weights);
  return await createOrtSession(path, { threads: 1, mapped: split !== undefined, optimized: true });
}
