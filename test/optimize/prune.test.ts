// Pruning: zeros where asked, and channels that go from everything that makes, carries or takes them.
import { describe, expect, it } from 'vitest';
import { changed } from '../../src/onnx/changed.ts';
import { type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { readSignature } from '../../src/onnx/signature.ts';
import { elementCount, makeTensor, readTensor } from '../../src/onnx/tensor-values.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { fuse } from '../../src/optimize/graph/fuse.ts';
import { type PrunedGroup, pruneChannels } from '../../src/optimize/prune/prune-channels.ts';
import { pruneMagnitude } from '../../src/optimize/prune/prune-magnitude.ts';
import { difference } from '../../src/tensor/difference.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';
import { runs } from '../runs.ts';
import { generate, kinds } from './generated-models.ts';
import { modelOf, realModels } from './real-models.ts';
import { runModel } from './run-model.ts';

const MODELS = runs(8);
const TOLERANCE = 1e-4;

describe('pruneChannels', () => {
  it.each(['det', 'cls', 'rec'])(
    '%s answers as one whose layers ignore the removed channels',
    { timeout: 60_000 },
    async (name) => {
      const real = realModels.find((one) => one.name === name)!;
      const model = fuse(modelOf(real));
      const { model: pruned, groups, refused } = pruneChannels(model, { share: 0.25 });
      const bytes = writeModel(pruned);
      expect(readSignature(bytes)).toEqual(readSignature(real.bytes));
      const [before, after] = [await runModel(ignoring(model, groups), real.feeds), await runModel(pruned, real.feeds)];
      for (const [at, one] of before.entries()) expect(difference(one, after[at]!).most).toBeLessThan(TOLERANCE);
      const removed = groups.reduce((sum, group) => sum + group.removed.length, 0);
      console.log(
        `${name}: ${removed} channels of ${groups.length} groups gone, ${(bytes.length / writeModel(model).length).toFixed(3)} of the size; ` +
          `${refused.length} layers stay, such as ${refused[0]}`,
      );
      expect(groups.length).toBeGreaterThan(0);
    },
  );

  it(`${kinds.length * MODELS} generated models answer as those that ignore the removed channels`, {
    timeout: 120_000,
  }, async () => {
    let removed = 0;
    for (const kind of kinds) {
      for (let seed = 0; seed < MODELS; seed++) {
        const { model, feeds } = generate(kind, 53 * seed + 2);
        const fused = fuse(model);
        const { model: pruned, groups } = pruneChannels(fused, { share: 0.1 + 0.2 * (seed % 4) });
        const [before, after] = [await runModel(ignoring(fused, groups), feeds), await runModel(pruned, feeds)];
        for (const [at, one] of before.entries()) expect(difference(one, after[at]!).most).toBeLessThan(TOLERANCE);
        removed += groups.reduce((sum, group) => sum + group.removed.length, 0);
      }
    }
    console.log(`${kinds.length * MODELS} models, ${removed} channels removed`);
    expect(removed).toBeGreaterThan(10 * MODELS);
  });

  it('takes the channels whose weights are smallest', () => {
    const { groups, model } = pruneChannels(twoLayers('Relu'), { share: 0.5 });
    expect(groups.map(({ removed }) => removed)).toEqual([[1, 2]]);
    expect(model.graph.initializer.map(({ name, dims }) => [name, dims.map(Number)])).toEqual([
      ['a', [2, 2]],
      ['b', [2, 3]],
    ]);
  });

  it('names the node that stands against it', () => {
    expect(pruneChannels(twoLayers('Softmax'), { share: 0.5 }).refused).toEqual([
      '"Softmax" "v": what it does with channels is not known here',
      '"MatMul" "y": its channels leave the model as y',
    ]);
    expect(() => pruneChannels(twoLayers('Softmax'), { share: 0.5, layers: new Set(['h']) })).toThrow(
      'cannot prune h: "Softmax" "v": what it does with channels is not known here',
    );
    expect(() => pruneChannels(twoLayers('Relu'), { share: 0.5, layers: new Set(['nobody']) })).toThrow('got nobody');
    expect(() => pruneChannels(twoLayers('Relu'), { share: 1 })).toThrow(
      'expected a share of at least 0 and below 1, got 1',
    );
  });
});

describe('pruneMagnitude', () => {
  it('sets the smallest weights of each layer to zero, and nothing else', () => {
    const model = pruneMagnitude(twoLayers('Relu'), 0.5);
    const zeros = model.graph.initializer.map((tensor) => Array.from(readTensor(tensor)!.data, Number));
    expect(zeros).toEqual([
      [6, 0, 0, 9, 8, 0, 0, 7],
      [0, 0, 0, 0, 0, 0, 7, 8, 9, 10, 11, 12],
    ]);
    const [same] = pruneMagnitude(twoLayers('Relu'), 0).graph.initializer;
    expect([...readTensor(same!)!.data]).toEqual([6, 1, 2, 9, 8, 0, 1, 7]);
  });
});

/** x [N, 2] · a [2, 4], an activation, · b [4, 3]. */
function twoLayers(activation: string): OnnxModel {
  return readModel(
    bytesOf(
      tinyGraph({
        node: [
          { opType: 'MatMul', input: ['x', 'a'], output: ['h'] },
          { opType: activation, input: ['h'], output: ['v'] },
          { opType: 'MatMul', input: ['v', 'b'], output: ['y'] },
        ],
        output: [value('y', ['N', 3])],
        initializer: [
          { name: 'a', dims: [2n, 4n], dataType: 1, floatData: [6, 1, 2, 9, 8, 0, 1, 7] },
          { name: 'b', dims: [4n, 3n], dataType: 1, floatData: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
        ],
      }),
    ),
  );
}

/** The model with zeros where a layer takes a channel that was removed. */
function ignoring(model: OnnxModel, groups: readonly PrunedGroup[]): OnnxModel {
  const initializer = model.graph.initializer.map((tensor) => {
    const values = readTensor(tensor);
    const data = values?.data.slice();
    for (const { cuts, removed } of groups) {
      for (const cut of cuts) {
        if (cut.tensor !== tensor.name || cut.role !== 'in' || !values || !data) continue;
        const inner = elementCount(values.shape.slice(cut.axis + 1));
        const gone = new Set(removed);
        for (let at = 0; at < data.length; at++) {
          if (gone.has(Math.floor(at / inner) % values.shape[cut.axis]!)) data[at] = 0;
        }
      }
    }
    return values && data ? makeTensor(tensor.name, { ...values, data }) : tensor;
  });
  return changed(model, { graph: changed(model.graph, { initializer }) });
}
