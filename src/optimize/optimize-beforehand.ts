// Candidates whose graph onnxruntime optimised beforehand: a cold start maps their weights, where nothing may be optimised, and
// runs what a packed session would.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { readModel } from '../onnx/read.ts';
import { saveOptimized } from '../session/save-optimized.ts';
import { type Candidate, operatorsOf } from './make-recipes.ts';
import { packGraph } from './optimized-graph.ts';
import { thisProcessor } from './processor.ts';
import { applyRecipe } from './recipe.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Laid out for vectors of 16 floats, which MLAS takes where it finds this. */
const AVX512 = 'avx512f';

/**
 * The candidate over again as level extended leaves its graph, for any processor; and as level all does, for processors with
 * AVX-512, where this is one. None where that changes no operator, where onnxruntime does not load it, or computes weights anew, as
 * it does of those that are stored in INT8.
 */
export async function optimizedBeforehand(bytes: Uint8Array, candidate: Candidate): Promise<Candidate[]> {
  const model = applyRecipe(bytes, candidate.recipe);
  const { name, precision, recipe, how } = candidate;
  const made: Candidate[] = [];
  const seen = new Set([operatorsOf(readModel(model))]);
  const add = async (level: 'extended' | 'all', ending: string, what: string, needs?: readonly string[]) => {
    const bare = await optimized(model, level);
    const operators = operatorsOf(readModel(bare));
    const graph = seen.has(operators) ? undefined : packGraph(bare, model);
    if (graph === undefined) return;
    seen.add(operators);
    const its = {
      name: `${name}-${ending}`,
      precision,
      how: `${how}; ${what}`,
      recipe: { ...recipe, graph },
      of: name,
    };
    made.push(needs ? { ...its, needs } : its);
  };
  try {
    await add('extended', 'ort', 'its graph optimised beforehand by onnxruntime');
    if (thisProcessor().features.includes(AVX512))
      await add('all', 'avx512', 'the same, laid out for AVX-512', [AVX512]);
  } catch (error) {
    // What cannot be loaded is told of by who tries the candidate itself.
    if (!(error instanceof GlowplugError)) throw error;
  }
  return made;
}

async function optimized(model: Uint8Array, level: 'extended' | 'all'): Promise<Uint8Array> {
  using folder = temporaryFolder('optimize');
  const [source, target] = [join(folder.path, 'model.onnx'), join(folder.path, 'optimized.onnx')];
  await writeFile(source, model);
  await saveOptimized(source, target, level);
  return await readFile(target);
}
