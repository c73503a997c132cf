// Mixed precision: what is too sensitive leaves INT8, and nothing else does.
import { describe, expect, it } from 'vitest';
import { newNode } from '../../src/onnx/new-node.ts';
import { newWeight } from '../../src/onnx/new-weight.ts';
import { staticCandidate } from '../../src/optimize/make-recipes.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { value } from '../onnx/tiny-model.ts';
import { bytesOf, uniform } from './layers.ts';

/** Three products in a row; the input of the second has one value of 1,000 beside small ones, which leaves those no steps. */
function spoiled(): Uint8Array {
  const spike = new Float32Array(32);
  spike[0] = 1000;
  return bytesOf({
    name: 'spoiled',
    input: [value('x', ['N', 32])],
    output: [value('y', ['N', 32])],
    initializer: [
      newWeight('w1', [32, 32], uniform(1, 1024, 0.3)),
      newWeight('spike', [32], spike),
      newWeight(
        'w2',
        [32, 32],
        uniform(2, 1024, 0.3).map((one, at) => (at < 32 ? 0 : one)),
      ),
      newWeight('w3', [32, 32], uniform(3, 1024, 0.3)),
    ],
    node: [
      newNode('MatMul', ['x', 'w1'], ['first']),
      newNode('Add', ['first', 'spike'], ['spiky']),
      newNode('MatMul', ['spiky', 'w2'], ['second']),
      newNode('MatMul', ['second', 'w3'], ['y']),
    ],
  });
}

const samples = Array.from({ length: 24 }, (_, seed) => ({
  name: `${seed}`,
  feeds: { x: tensor('FP32', [1, 32], uniform(seed, 32)) },
}));
const search = (relativeError: number) =>
  staticCandidate(spoiled(), {
    calibration: samples,
    trial: samples,
    methods: ['minmax'],
    gate: { relativeError },
    threads: 1,
  });

describe('the search for mixed precision', () => {
  it('releases the one layer whose input cannot be quantised, and keeps the others in INT8', async () => {
    const found = await search(0.05);
    expect(found?.search?.holds).toBe(true);
    expect(found?.search?.released).toEqual(['second']);
    expect(found?.search?.sensitivities[0]).toMatchObject({ layer: 'second' });
    expect(found?.recipe.layers).toEqual({ first: 'static', second: 'stored', y: 'static' });
    expect(Object.keys(found?.recipe.ranges ?? {}).sort()).toEqual(['second', 'x']);
  });

  it('releases none where the gate holds at once, and says when it cannot be held', async () => {
    expect((await search(10))?.search).toMatchObject({ holds: true, released: [], sensitivities: [] });
    const never = await search(1e-9);
    expect(never?.search).toMatchObject({ holds: false });
    expect(never?.search?.released).toHaveLength(3);
  });
});
