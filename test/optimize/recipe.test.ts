// A variant is a model that onnxruntime loads, answers nearly as the original, and is the same bytes every time.
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { consumersOf } from '../../src/onnx/consumers.ts';
import { newNode } from '../../src/onnx/new-node.ts';
import { newWeight } from '../../src/onnx/new-weight.ts';
import { nodesOf, weightsOf } from '../../src/onnx/nodes.ts';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { calibrate } from '../../src/optimize/calibrate.ts';
import { recipesWithoutSamples } from '../../src/optimize/make-recipes.ts';
import { openBytes } from '../../src/optimize/open-bytes.ts';
import { compareOutputs, totalParity } from '../../src/optimize/parity.ts';
import { isStatic, valuesOf } from '../../src/optimize/quantize-static.ts';
import { applyRecipe, type Form, layersOf, parseRecipe, prepareModel, type Recipe } from '../../src/optimize/recipe.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { sampleBytes } from '../onnx/sample-models.ts';
import { value } from '../onnx/tiny-model.ts';
import {
  attention,
  branches,
  bytesOf,
  type Case,
  convolutions,
  embedding,
  perceptron,
  recurrent,
  uniform,
} from './layers.ts';

function uniformly(bytes: Uint8Array, form: Form): Recipe {
  return { layers: Object.fromEntries(layersOf(prepareModel(bytes)).map(({ name }) => [name, form])) };
}

async function parityOf({ bytes, feeds }: Case, variant: Uint8Array) {
  await using right = await openBytes(bytes, 1);
  await using other = await openBytes(variant, 1);
  const counts = [];
  for (let seed = 0; seed < 20; seed++)
    counts.push(compareOutputs(await right.run(feeds(seed)), await other.run(feeds(seed))));
  return totalParity(counts);
}

async function statically({ bytes, feeds }: Case, method: 'minmax' | 'percentile' | 'entropy'): Promise<Recipe> {
  const model = prepareModel(bytes);
  const consumers = consumersOf(model.graph);
  const values = [
    ...new Set(
      layersOf(model)
        .filter(isStatic)
        .flatMap((layer) => valuesOf(layer, consumers)),
    ),
  ];
  const samples = Array.from({ length: 30 }, (_, at) => ({ name: `${at}`, feeds: feeds(100 + at) }));
  return { ...uniformly(bytes, 'static'), ranges: (await calibrate(bytes, values, samples, [method], 1))[method] };
}

const operatorsOf = (bytes: Uint8Array) => readModel(bytes).graph.node.map(({ opType }) => opType);

describe('a recipe', () => {
  it.each([
    ['perceptron', 'stored', perceptron, 0.02],
    ['perceptron', 'dynamic', perceptron, 0.03],
    ['convolutions', 'stored', convolutions, 0.02],
    ['embedding', 'stored', embedding, 0.01],
    ['embedding', 'dynamic', embedding, 0.01],
    ['LSTM', 'dynamic', recurrent, 0.03],
    ['LSTM', 'stored', recurrent, 0.02],
    ['GRU', 'stored', () => recurrent('GRU'), 0.02],
    ['RNN', 'stored', () => recurrent('RNN'), 0.02],
    ['attention', 'dynamic', attention, 0.05],
    ['attention', 'stored', attention, 0.02],
    ['branches of If', 'dynamic', branches, 0.03],
    ['branches of If', 'stored', branches, 0.02],
  ] as const)('%s, %s: loads and answers nearly the same', async (_name, form, make, most) => {
    const parity = await parityOf(make(), applyRecipe(make().bytes, uniformly(make().bytes, form)));
    expect(parity.relativeError).toBeLessThan(most);
    expect(parity.relativeError).toBeGreaterThan(0);
  });

  it.each([
    ['perceptron', 'minmax', perceptron],
    ['convolutions', 'minmax', convolutions],
    ['convolutions', 'percentile', convolutions],
    ['convolutions', 'entropy', convolutions],
    ['convolutions of opset 9', 'minmax', () => convolutions(9)],
  ] as const)('%s, static by %s: loads and answers nearly the same', async (_name, method, make) => {
    const parity = await parityOf(make(), applyRecipe(make().bytes, await statically(make(), method)));
    expect(parity.relativeError).toBeLessThan(method === 'entropy' ? 0.15 : 0.05);
    expect(parity.relativeError).toBeGreaterThan(0);
  });

  it.each([
    [8, 0.02],
    [4, 0.2],
  ] as const)('blocks of %i bits: loads and answers nearly the same', async (bits, most) => {
    const { bytes } = perceptron();
    const parity = await parityOf(perceptron(), applyRecipe(bytes, { layers: { m1: `blocks${bits}` } }));
    expect(parity.relativeError).toBeLessThan(most);
  });

  it('without forms only folds what follows a convolution into it', async () => {
    const made = applyRecipe(convolutions().bytes, { layers: {} });
    expect(operatorsOf(made).filter((operator) => operator !== 'Constant')).toEqual(['Conv', 'Relu', 'Conv']);
    expect((await parityOf(convolutions(), made)).relativeError).toBeLessThan(1e-6);
  });

  it('gives the same bytes every time, and leaves what it was given as it was', async () => {
    const { bytes } = convolutions();
    const before = Buffer.from(bytes);
    const recipe = await statically(convolutions(), 'minmax');
    expect(applyRecipe(bytes, recipe)).toEqual(applyRecipe(bytes, parseRecipe(JSON.stringify(recipe), 'a test')));
    expect(Buffer.compare(bytes, before)).toBe(0);
  });

  it('folds the bias behind a dynamic product into it, so that one node is left', () => {
    const made = applyRecipe(perceptron().bytes, uniformly(perceptron().bytes, 'dynamic'));
    expect(operatorsOf(made)).toEqual(['DynamicQuantizeMatMul', 'Relu', 'DynamicQuantizeMatMul']);
  });

  it.each([17, 10])('quantises what several products read once, where opset %i can', async (opset) => {
    const graph = {
      name: 'shared input',
      input: [value('x', ['N', 32])],
      output: [value('q', ['N', 16]), value('k', ['N', 16])],
      initializer: [
        newWeight('wq', [32, 16], uniform(1, 512, 0.3)),
        newWeight('wk', [32, 16], uniform(2, 512, 0.3)),
        newWeight('b', [16], uniform(3, 16)),
      ],
      node: [
        newNode('MatMul', ['x', 'wq'], ['m']),
        newNode('Add', ['m', 'b'], ['q']),
        newNode('MatMul', ['x', 'wk'], ['k']),
      ],
    };
    const one: Case = {
      bytes: bytesOf(graph, opset),
      feeds: (seed) => ({ x: tensor('FP32', [2, 32], uniform(seed, 64)) }),
    };
    const made = applyRecipe(one.bytes, { layers: { m: 'dynamic', k: 'dynamic' } });
    expect(operatorsOf(made)).toEqual(
      opset === 17
        ? ['DynamicQuantizeLinear', 'MatMulIntegerToFloat', 'MatMulIntegerToFloat']
        : ['DynamicQuantizeMatMul', 'DynamicQuantizeMatMul'],
    );
    expect((await parityOf(one, made)).relativeError).toBeLessThan(0.03);
  });

  it.each([
    ['LSTM', recurrent, ['DynamicQuantizeLSTM']],
    ['attention', attention, ['DynamicQuantizeLinear', 'QAttention']],
  ] as const)('takes onnxruntime’s own operator for %s', (_name, make, operators) => {
    const made = applyRecipe(make().bytes, uniformly(make().bytes, 'dynamic'));
    expect(operatorsOf(made)).toEqual(operators);
    const { layers } = recipesWithoutSamples(make().bytes).find(({ name }) => name === 'int8-dynamic')!.recipe;
    expect(Object.values(layers)).toEqual(['dynamic']);
  });

  it('leaves stored what onnxruntime has no operator for: GRU, an LSTM whose rows come first, attention without bias', () => {
    const model = readModel(recurrent().bytes);
    model.graph.node[0]!.attribute.push(...newNode('', [], [], { layout: 1 }).attribute);
    for (const bytes of [recurrent('GRU').bytes, writeModel(model), attention({ bias: false }).bytes])
      expect(recipesWithoutSamples(bytes).map(({ name }) => name)).toEqual(['fp16', 'int8-stored']);
  });

  it('reaches into the branches of an If: products with their bias, and no weight is left behind', () => {
    const { bytes } = branches();
    const made = readModel(applyRecipe(bytes, uniformly(bytes, 'dynamic')));
    const inner = [...nodesOf(made)].filter(({ opType }) => opType !== 'If');
    expect(inner.map(({ opType, input }) => `${opType} ${input.length}`)).toEqual([
      'DynamicQuantizeMatMul 5',
      'DynamicQuantizeMatMul 5',
    ]);
    const names = [...weightsOf(made)].map(({ name }) => name);
    expect(names.filter((name) => name === 'w' || name === 'else-w')).toEqual([]);
    expect(() => applyRecipe(bytes, { layers: { 'then-m': 'static' }, ranges: {} })).toThrow('got static for "then-m"');
  });

  it('is checked when it is read: no JSON, no layers, an unknown form, a range that is none, another model’s layer', () => {
    const parse = (text: string) => () => parseRecipe(text, 'int8.recipe.json');
    expect(parse('{')).toThrow('expected a recipe in int8.recipe.json, got no JSON');
    expect(parse('[]')).toThrow('got neither layers nor ranges');
    expect(parse('{"layers":{"a":"int3"}}')).toThrow('got the form "int3"');
    expect(parse('{"layers":{},"ranges":{"a":[0,null]}}')).toThrow('got the range [0,null]');
    expect(() => applyRecipe(perceptron().bytes, { layers: { elsewhere: 'stored' } })).toThrow(
      'expected a recipe of this model, got one with the layer "elsewhere"',
    );
    expect(() => applyRecipe(convolutions().bytes, { layers: { n1: 'dynamic' } })).toThrow(
      'expected a form that Conv has, got dynamic for "n1"',
    );
    expect(() => applyRecipe(perceptron().bytes, { layers: { m1: 'static' } })).toThrow(
      'expected the range of "x" in the recipe',
    );
  });

  it('leaves a value alone that somebody else reads: an Add behind a convolution whose result is an output too', async () => {
    const graph = {
      name: 'shared',
      input: [value('x', [1, 1, 4, 4])],
      output: [value('c', [1, 2, 4, 4]), value('y', [1, 2, 4, 4])],
      initializer: [newWeight('w', [2, 1, 1, 1], uniform(1, 2)), newWeight('b', [2, 1, 1], uniform(2, 2))],
      node: [newNode('Conv', ['x', 'w'], ['c']), newNode('Add', ['c', 'b'], ['y'])],
    };
    const one: Case = {
      bytes: bytesOf(graph),
      feeds: (seed) => ({ x: tensor('FP32', [1, 1, 4, 4], uniform(seed, 16)) }),
    };
    const made = applyRecipe(one.bytes, { layers: {} });
    expect(operatorsOf(made)).toEqual(['Conv', 'Add']);
    expect((await parityOf(one, made)).maxError).toBeLessThan(1e-6);
  });

  it('keeps inputs that nobody reads, and takes out weights that were listed as inputs', async () => {
    const graph = {
      name: 'listed',
      input: [value('x', ['N', 32]), value('idle', [1]), value('w', [32, 16])],
      output: [value('y', ['N', 16])],
      initializer: [newWeight('w', [32, 16], uniform(1, 512))],
      node: [newNode('MatMul', ['x', 'w'], ['y'])],
    };
    const made = applyRecipe(bytesOf(graph), { layers: { y: 'dynamic' } });
    expect(readModel(made).graph.input.map(({ name }) => name)).toEqual(['x', 'idle']);
    await using session = await openBytes(made, 1);
    expect(Object.keys(session.signature.inputs)).toEqual(['x', 'idle']);
  });

  it.each(['rec', 'det', 'cls'])('stored, makes %s a quarter and a little', (name) => {
    const bytes = sampleBytes(name);
    const layers = layersOf(prepareModel(bytes));
    const made = applyRecipe(bytes, uniformly(bytes, 'stored'));
    console.log(
      `${name}: ${layers.length} layers, ${bytes.length} → ${made.length} bytes, ${(made.length / bytes.length).toFixed(3)} ×`,
    );
    expect(made.length / bytes.length).toBeLessThan(name === 'cls' ? 0.5 : 0.31);
  });
});

describe('calibration', () => {
  const { bytes, feeds } = perceptron();

  it('covers every value that samples make, and no more', async () => {
    const samples = [0, 1, 2].map((seed) => ({ name: `${seed}`, feeds: feeds(seed) }));
    const { minmax: ranges } = await calibrate(bytes, ['x'], samples, ['minmax'], 1);
    const all = samples.flatMap((sample) => [...(sample.feeds['x']?.data ?? [])].map(Number));
    expect(ranges['x']).toEqual([Math.min(...all), Math.max(...all)]);
  });

  it.each([
    ['no samples', [], 'expected samples to calibrate with, got none'],
    [
      'NaN',
      [{ name: 'b.npy', feeds: { x: tensor('FP32', [1, 32], new Float32Array(32).fill(Number.NaN)) } }],
      'sample "b.npy": expected numbers in "x", got NaN or infinity',
    ],
    [
      'another shape',
      [{ name: 'c.npy', feeds: { x: tensor('FP32', [1, 31], new Float32Array(31)) } }],
      'sample "c.npy": ',
    ],
    ['another input', [{ name: 'd.npy', feeds: { y: tensor('FP32', [1], new Float32Array(1)) } }], 'sample "d.npy": '],
    [
      'numbers that overflow inside',
      [{ name: 'e.npy', feeds: { x: tensor('FP32', [1, 32], new Float32Array(32).fill(3e38)) } }],
      'the model makes NaN or infinity',
    ],
  ])('refuses %s', async (_name, samples, message) => {
    const failed = await calibrate(bytes, ['x', 'h'], samples, ['minmax'], 1).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(GlowplugError);
    expect(String(failed)).toContain(message);
  });
});
