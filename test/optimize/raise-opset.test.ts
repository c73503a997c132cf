// Newer opsets: the same answers, or a refusal that names the operator.
import { describe, expect, it } from 'vitest';
import { raiseOpset } from '../../src/optimize/graph/raise-opset.ts';
import { simplify } from '../../src/optimize/graph/simplify.ts';
import { difference } from '../../src/tensor/difference.ts';
import { runs } from '../runs.ts';
import { generate, kinds } from './generated-models.ts';
import { modelOf, realModels } from './real-models.ts';
import { runModel } from './run-model.ts';

const MODELS = runs(3);

describe('raiseOpset', () => {
  it.each([
    ['iris', 21],
    ['cls', 17],
    ['rec', 13],
    ['rec', 21],
    ['silero v5', 18],
    ['silero legacy', 21],
  ])('%s answers the same at opset %d', async (name, opset) => {
    const real = realModels.find((one) => one.name === name)!;
    const raised = raiseOpset(simplify(modelOf(real)), opset);
    expect(raised.opsetImport.find(({ domain }) => domain === '')?.version).toBe(BigInt(opset));
    const [before, after] = [await runModel(modelOf(real), real.feeds), await runModel(raised, real.feeds)];
    for (const [at, one] of before.entries()) expect(difference(one, after[at]!).most).toBeLessThan(2e-6);
  });

  it(`${kinds.length * MODELS} generated models answer the same at opset 21`, async () => {
    for (const kind of kinds) {
      for (let seed = 0; seed < MODELS; seed++) {
        const { model, feeds } = generate(kind, 17 * seed + 1);
        const [before, after] = [await runModel(model, feeds), await runModel(raiseOpset(model, 21), feeds)];
        for (const [at, one] of before.entries()) expect(difference(one, after[at]!).most).toBeLessThan(2e-6);
      }
    }
  });

  it('refuses what means something else, by name, and what it does not know', () => {
    const det = modelOf(realModels.find(({ name }) => name === 'det')!);
    expect(() => raiseOpset(det, 18)).toThrow(/^"Resize" ".*" means something else from opset 18 on$/);
    expect(() => raiseOpset(det, 9)).toThrow('expected to raise an opset from 9 or later to at most 21, got 11 to 9');
    expect(() => raiseOpset(det, 25)).toThrow('got 11 to 25');
  });
});
