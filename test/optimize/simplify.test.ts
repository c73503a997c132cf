// Passes that must not change an answer: each alone and all together, on real and on generated models.
import { describe, expect, it } from 'vitest';
import { type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { readSignature } from '../../src/onnx/signature.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { foldConstants } from '../../src/optimize/graph/fold-constants.ts';
import { fuse } from '../../src/optimize/graph/fuse.ts';
import { inlineIfs } from '../../src/optimize/graph/inline-ifs.ts';
import { ownConstants } from '../../src/optimize/graph/own-constants.ts';
import { removeDead } from '../../src/optimize/graph/remove-dead.ts';
import { removeNoOps } from '../../src/optimize/graph/remove-no-ops.ts';
import { countNodes, simplify } from '../../src/optimize/graph/simplify.ts';
import { sortNodes } from '../../src/optimize/graph/sort-nodes.ts';
import { difference } from '../../src/tensor/difference.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';
import { runs } from '../runs.ts';
import { generate, kinds } from './generated-models.ts';
import { modelOf, realModels } from './real-models.ts';
import { runModel } from './run-model.ts';

const MODELS = runs(6);
/** Relative above 1. The passes are exact but for `fuse`, which rounds weights once more, and for what onnxruntime then fuses. */
const TOLERANCE = 2e-5;

const passes: Readonly<Record<string, (model: OnnxModel) => OnnxModel>> = {
  sortNodes,
  ownConstants,
  removeDead,
  foldConstants: (model) => foldConstants(ownConstants(model)),
  inlineIfs: (model) => inlineIfs(ownConstants(model)),
  removeNoOps,
  simplify,
  fuse,
};

describe('a pass leaves the outputs as they are', () => {
  it.each(realModels)('$name', { timeout: 60_000 }, async (real) => {
    const before = await runModel(modelOf(real), real.feeds);
    const nodes = countNodes(modelOf(real).graph);
    for (const [name, pass] of Object.entries(passes)) {
      const model = pass(modelOf(real));
      const bytes = writeModel(model);
      // All passes together see every feed, one alone the first.
      const after = await runModel(model, name === 'fuse' ? real.feeds : real.feeds.slice(0, 1));
      const worst = Math.max(...after.map((one, at) => difference(before[at]!, one).most));
      expect(worst, name).toBeLessThanOrEqual(TOLERANCE);
      expect(bytes.length, name).toBeLessThanOrEqual(real.bytes.length);
      expect(readSignature(bytes)).toEqual(readSignature(real.bytes));
      if (name === 'simplify') {
        console.log(
          `${real.name}: ${nodes} nodes → ${countNodes(model.graph)}, ${real.bytes.length} bytes → ${bytes.length}, worst ${worst}`,
        );
      }
    }
  });

  it(`${kinds.length * MODELS} generated models, each pass`, { timeout: 300_000 }, async () => {
    let worst = 0;
    let compared = 0;
    for (const kind of kinds) {
      for (let seed = 0; seed < MODELS; seed++) {
        const { model, feeds } = generate(kind, 7919 * seed + 1);
        const size = writeModel(model).length;
        const before = await runModel(model, feeds);
        for (const [name, pass] of Object.entries(passes)) {
          const changed = pass(model);
          const after = await runModel(changed, feeds);
          for (const [at, one] of before.entries()) worst = Math.max(worst, difference(one, after[at]!).most);
          expect(writeModel(changed).length, `${name} of ${kind} ${seed}`).toBeLessThanOrEqual(size);
          compared++;
        }
        expect(writeModel(model).length, 'the model given stays as it is').toBe(size);
        expect(simplify(simplify(model))).toEqual(simplify(model));
      }
    }
    console.log(`${compared} models after a pass, worst difference ${worst}`);
    expect(worst).toBeLessThanOrEqual(TOLERANCE);
  });
});

describe('sorting', () => {
  it('puts nodes behind what they need, what their subgraphs take from outside included', async () => {
    const model = readModel(
      bytesOf(
        tinyGraph({
          node: [
            {
              opType: 'If',
              input: ['yes'],
              output: ['y'],
              attribute: ['then_branch', 'else_branch'].map((name) => ({
                name,
                type: 5,
                g: {
                  name,
                  node: [{ opType: 'Relu', input: ['late'], output: [`${name}_y`] }],
                  output: [value(`${name}_y`, ['N', 2])],
                },
              })),
            },
            { opType: 'Neg', input: ['x'], output: ['late'] },
          ],
          initializer: [{ name: 'yes', dataType: 9, int32Data: [1] }],
        }),
      ),
    );
    expect(sortNodes(model).graph.node.map(({ opType }) => opType)).toEqual(['Neg', 'If']);
    expect(simplify(model).graph.node.map(({ opType }) => opType)).toEqual(['Neg', 'Relu']);
  });

  it.each([
    {
      what: 'a cycle',
      node: [
        { opType: 'Add', name: 'first', input: ['x', 'b'], output: ['a'] },
        { opType: 'Relu', input: ['a'], output: ['b'] },
        { opType: 'Relu', input: ['a'], output: ['y'] },
      ],
      message: 'expected a graph without cycles, got one at "Add" "first"',
    },
    {
      what: 'a value made twice',
      node: [
        { opType: 'Relu', input: ['x'], output: ['y'] },
        { opType: 'Neg', input: ['x'], output: ['y'] },
      ],
      message: 'expected each value to be made once, got "y" twice',
    },
  ])('refuses $what', ({ node, message }) => {
    expect(() => simplify(readModel(bytesOf(tinyGraph({ node }))))).toThrow(message);
  });
});
