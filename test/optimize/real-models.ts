// The real models of this repository with feeds that reach all of each: what every pass is proven on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { type Tensors, tensor } from '../../src/tensor/tensor.ts';
import { sampleBytes } from '../onnx/sample-models.ts';
import { root } from '../root.ts';

export interface RealModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly feeds: readonly Tensors[];
}

const vad = join(root, 'node_modules/@ricky0123/vad-web/dist');

/** Numbers that are the same in every run, between -1 and 1. */
export function numbers(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function floats(shape: readonly number[], seed = 1) {
  return tensor(
    'FP32',
    shape,
    numbers(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
  );
}

/** Steps of 32 samples at 16 kHz: 512 for silero v5, and the 256 at 8 kHz that take the other branch. */
function speech(stateNames: Readonly<Record<string, readonly number[]>>): Tensors[] {
  return [
    [16000n, 512],
    [8000n, 256],
  ].map(([rate, count]) => ({
    input: floats([1, Number(count)]),
    sr: tensor('INT64', [], BigInt64Array.of(BigInt(rate!))),
    ...Object.fromEntries(Object.entries(stateNames).map(([name, shape]) => [name, floats(shape, 7)])),
  }));
}

export const realModels: readonly RealModel[] = [
  { name: 'iris', bytes: sampleBytes('iris'), feeds: [{ x: floats([5, 4]) }] },
  { name: 'det', bytes: sampleBytes('det'), feeds: [{ x: floats([1, 3, 96, 64]) }, { x: floats([2, 3, 64, 64], 3) }] },
  { name: 'cls', bytes: sampleBytes('cls'), feeds: [{ x: floats([2, 3, 48, 192]) }] },
  { name: 'rec', bytes: sampleBytes('rec'), feeds: [{ x: floats([1, 3, 48, 160]) }, { x: floats([2, 3, 48, 96], 3) }] },
  {
    name: 'silero v5',
    bytes: readFileSync(join(vad, 'silero_vad_v5.onnx')),
    feeds: speech({ state: [2, 1, 128] }),
  },
  {
    name: 'silero legacy',
    bytes: readFileSync(join(vad, 'silero_vad_legacy.onnx')),
    feeds: speech({ h: [2, 1, 64], c: [2, 1, 64] }),
  },
];

export function modelOf({ bytes }: RealModel): OnnxModel {
  return readModel(bytes);
}
