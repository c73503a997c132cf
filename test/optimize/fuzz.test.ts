// Mutated and hostile models through every pass: a model or a coded error, soon and in little memory.
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type GraphProto, GraphProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { float16 } from '../../src/optimize/float16/float16.ts';
import { fuse } from '../../src/optimize/graph/fuse.ts';
import { inferShapes } from '../../src/optimize/graph/infer-shapes.ts';
import { raiseOpset } from '../../src/optimize/graph/raise-opset.ts';
import { recipesWithoutSamples } from '../../src/optimize/make-recipes.ts';
import { pruneChannels } from '../../src/optimize/prune/prune-channels.ts';
import { pruneMagnitude } from '../../src/optimize/prune/prune-magnitude.ts';
import { applyRecipe } from '../../src/optimize/recipe.ts';
import { mutated, mutations, structureOf } from '../onnx/mutate.ts';
import { sampleBytes } from '../onnx/sample-models.ts';
import { bytesOf, type GraphInit, tinyGraph, value } from '../onnx/tiny-model.ts';
import { long } from '../runs.ts';
import { generate } from './generated-models.ts';
import { attention, branches, recurrent } from './layers.ts';
import { realModels } from './real-models.ts';

const CASES = long ? 20_000 : 1000;
/** A healthy pass over the largest seed takes some 50 ms; only a hang takes this long. */
const HANG_MS = 10_000;

const seeds: readonly Uint8Array[] = [
  sampleBytes('iris'),
  ...(['mlp', 'conv', 'transformer'] as const).flatMap((kind) =>
    [1, 2, 3].map((seed) => writeModel(generate(kind, seed).model)),
  ),
  ...[recurrent(), attention(), branches()].map(({ bytes }) => bytes),
  structureOf(realModels.find(({ name }) => name === 'silero v5')!.bytes),
  structureOf(sampleBytes('cls')),
];

function everything(bytes: Uint8Array): void {
  const model = readModel(bytes);
  inferShapes(model);
  const fused = fuse(model);
  const halves = [float16(fused, { compute: 'half', keepIo: false }), float16(model)];
  const pruned = [pruneChannels(fused, { share: 0.5 }).model, pruneMagnitude(model, 0.5)];
  for (const one of [fused, ...halves, ...pruned]) readModel(writeModel(one));
  for (const { name, recipe } of recipesWithoutSamples(bytes))
    if (name === 'int8-stored' || name === 'int8-dynamic') readModel(applyRecipe(bytes, recipe));
  raised(model);
}

/** Most opsets cannot be raised so far; that is a refusal of its own. */
function raised(model: OnnxModel): void {
  survives(() => writeModel(raiseOpset(model, 21)));
}

/** True when it answers, false when it refuses with a code; anything else that it throws fails the test. */
function survives(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof GlowplugError && /^MODEL_/.test(error.code)) return false;
    throw error;
  }
}

describe('damaged models', () => {
  it(`${CASES} mutated files: every pass gives a model or a GlowplugError`, { timeout: 1_200_000 }, () => {
    const outcomes = { passed: 0, refused: 0 };
    const before = process.memoryUsage().rss;
    let slowest = 0;
    fc.assert(
      fc.property(fc.nat(seeds.length - 1), mutations, (seed, changes) => {
        const bytes = mutated(seeds[seed]!, changes);
        const start = performance.now();
        if (survives(() => everything(bytes))) outcomes.passed++;
        else outcomes.refused++;
        slowest = Math.max(slowest, performance.now() - start);
      }),
      { numRuns: CASES },
    );
    const grown = process.memoryUsage().rss - before;
    console.log(
      `${CASES} mutated models: ${outcomes.passed} went through all passes, ${outcomes.refused} refused, ` +
        `slowest ${slowest.toFixed(0)} ms, ${(grown / 1e6).toFixed(0)} MB more RSS`,
    );
    expect(slowest).toBeLessThan(HANG_MS);
    expect(grown).toBeLessThan(800e6);
    expect(outcomes.passed).toBeGreaterThan(CASES / 10);
    expect(outcomes.refused).toBeGreaterThan(CASES / 100);
  });
});

describe('hostile models', () => {
  const int64 = (name: string, ...list: bigint[]) => ({
    name,
    dims: [BigInt(list.length)],
    dataType: 7,
    int64Data: list,
  });
  const cases: Readonly<Record<string, GraphInit>> = {
    'a tensor of 2⁶³ elements out of nothing': {
      node: [{ opType: 'ConstantOfShape', input: ['s'], output: ['y'] }],
      initializer: [int64('s', 2n ** 62n, 2n)],
    },
    'a small constant expanded to 2⁴⁰': {
      node: [
        { opType: 'Expand', input: ['c', 's'], output: ['e'] },
        { opType: 'Add', input: ['x', 'e'], output: ['y'] },
      ],
      initializer: [int64('s', 2n ** 20n, 2n ** 20n), { name: 'c', dims: [1n], dataType: 1, floatData: [1] }],
    },
    'constants that double a hundred times': {
      node: Array.from({ length: 100 }, (_one, at) => ({
        opType: 'Concat',
        input: [`c${at}`, `c${at}`],
        output: [at === 99 ? 'y' : `c${at + 1}`],
        attribute: [{ name: 'axis', type: 2, i: 0n }],
      })),
      initializer: [{ name: 'c0', dims: [64n], dataType: 1, floatData: new Array<number>(64).fill(1) }],
    },
    'a shape of a hundred thousand axes': {
      input: [value('x', new Array<number>(100_000).fill(1))],
      node: [{ opType: 'Unsqueeze', input: ['x', 's'], output: ['y'] }],
      initializer: [int64('s', ...Array.from({ length: 100_000 }, (_one, at) => BigInt(at)))],
    },
    'negative lengths and axes': {
      node: [
        { opType: 'Reshape', input: ['x', 's'], output: ['r'] },
        { opType: 'Squeeze', input: ['r', 's'], output: ['q'] },
        { opType: 'Slice', input: ['q', 's', 's', 's', 's'], output: ['y'] },
      ],
      initializer: [int64('s', -5n, -(2n ** 63n), 2n ** 63n - 1n)],
    },
    'a range that never ends': {
      node: [{ opType: 'Range', input: ['a', 'b', 'c'], output: ['y'] }],
      initializer: ['a', 'b', 'c'].map((name, at) => ({ name, dataType: 7, int64Data: [[0n, 2n ** 62n, 1n][at]!] })),
    },
    'twenty thousand nodes in a row, backwards': {
      node: Array.from({ length: 20_000 }, (_one, at) => ({
        opType: 'Identity',
        input: [at === 19_999 ? 'x' : `v${at + 1}`],
        output: [at === 0 ? 'y' : `v${at}`],
      })),
    },
    'names of the language': {
      node: [
        { opType: 'constructor', input: ['x'], output: ['__proto__'] },
        { opType: 'toString', input: ['__proto__'], output: ['hasOwnProperty'] },
        { opType: 'Relu', input: ['hasOwnProperty'], output: ['y'] },
      ],
    },
    'an If without branches, a Loop without a body': {
      node: [
        { opType: 'If', input: ['x'], output: ['a'] },
        { opType: 'Loop', input: ['', '', 'a'], output: ['b'] },
        {
          opType: 'Scan',
          input: ['b'],
          output: ['y'],
          attribute: [{ name: 'num_scan_inputs', type: 2, i: -(2n ** 63n) }],
        },
      ],
    },
    'lengths of zero and windows larger than what they slide over': {
      input: [value('x', [0, 3, 2, 2])],
      node: [
        {
          opType: 'MaxPool',
          input: ['x'],
          output: ['p'],
          attribute: [
            { name: 'kernel_shape', type: 7, ints: [9n, 2n ** 62n] },
            { name: 'strides', type: 7, ints: [0n, -1n] },
          ],
        },
        { opType: 'Flatten', input: ['p'], output: ['y'], attribute: [{ name: 'axis', type: 2, i: -99n }] },
      ],
    },
  };

  it.each(Object.entries(cases))('%s', (_what, graph) => {
    const before = process.memoryUsage().rss;
    const start = performance.now();
    survives(() => everything(bytesOf(tinyGraph(graph))));
    expect(performance.now() - start).toBeLessThan(HANG_MS);
    expect(process.memoryUsage().rss - before).toBeLessThan(700e6);
  });

  it('a thousand levels of subgraphs are refused, thirty go through', () => {
    expect(survives(() => everything(nested(1000)))).toBe(false);
    expect(survives(() => everything(nested(30)))).toBe(true);
  });
});

function nested(levels: number): Uint8Array {
  let inner: GraphProto = create(GraphProtoSchema, {
    name: 'inner',
    node: [{ opType: 'Relu', input: ['x'], output: ['v0'] }],
    output: [value('v0', ['N', 2])],
  });
  for (let level = 1; level <= levels; level++) {
    const name = level === levels ? 'y' : `v${level}`;
    const attribute = ['then_branch', 'else_branch'].slice(0, 1).map((branch) => ({ name: branch, type: 5, g: inner }));
    inner = create(GraphProtoSchema, {
      name: 'level',
      node: [{ opType: 'If', input: ['c'], output: [name], attribute }],
      output: [value(name, ['N', 2])],
    });
  }
  return bytesOf(tinyGraph({ node: inner.node, initializer: [{ name: 'c', dataType: 9, int32Data: [1] }] }));
}
