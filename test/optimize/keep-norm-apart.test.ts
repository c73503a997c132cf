// An addition before a normalisation stays out of onnxruntime's slower fused kernel, and adds the same.
import { describe, expect, it } from 'vitest';
import { newNode } from '../../src/onnx/new-node.ts';
import { newWeight } from '../../src/onnx/new-weight.ts';
import { readModel } from '../../src/onnx/read.ts';
import { fuse } from '../../src/optimize/graph/fuse.ts';
import { keepNormApart } from '../../src/optimize/graph/keep-norm-apart.ts';
import { difference } from '../../src/tensor/difference.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { value } from '../onnx/tiny-model.ts';
import { bytesOf, uniform } from './layers.ts';
import { runModel } from './run-model.ts';

/** x, r [N, 5, 16] → Add → LayerNormalization → Add → y: the sum is broadcast over r's rows where they are one. */
const bytes = bytesOf({
  name: 'skip',
  input: [value('x', ['N', 5, 16]), value('r', ['N', 'R', 16])],
  output: [value('y', ['N', 5, 16])],
  initializer: [newWeight('g', [16], uniform(1, 16)), newWeight('b', [16], uniform(2, 16))],
  node: [
    newNode('Add', ['x', 'r'], ['s']),
    newNode('LayerNormalization', ['s', 'g', 'b'], ['n']),
    newNode('Add', ['n', 'x'], ['y']),
  ],
});
const feeds = (rows: number) => ({
  x: tensor('FP32', [2, 5, 16], uniform(3, 160)),
  r: tensor('FP32', [2, rows, 16], uniform(4, 32 * rows)),
});

describe('an addition that is normalised', () => {
  it('is a Sum; others stay as they are', () => {
    for (const pass of [keepNormApart, fuse])
      expect(pass(readModel(bytes)).graph.node.map(({ opType }) => opType)).toEqual([
        'Sum',
        'LayerNormalization',
        'Add',
      ]);
  });

  it('gives the same numbers, broadcast or not', async () => {
    const all = [feeds(5), feeds(1)];
    const [before, after] = [await runModel(readModel(bytes), all), await runModel(fuse(readModel(bytes)), all)];
    for (const [at, one] of after.entries()) expect(difference(before[at]!, one).most).toBeLessThan(1e-6);
  });
});
