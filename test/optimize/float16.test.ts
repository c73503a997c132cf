// FP16: half the bytes, the same decisions, and FP32 where FP16 would not do.
import { TensorProto_DataType as Type } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { weightsOf } from '../../src/onnx/nodes.ts';
import { type OnnxModel, readModel } from '../../src/onnx/read.ts';
import { readSignature } from '../../src/onnx/signature.ts';
import { makeTensor } from '../../src/onnx/tensor-values.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { float16 } from '../../src/optimize/float16/float16.ts';
import { fuse } from '../../src/optimize/graph/fuse.ts';
import { difference } from '../../src/tensor/difference.ts';
import type { Tensors } from '../../src/tensor/tensor.ts';
import { bytesOf, tinyGraph } from '../onnx/tiny-model.ts';
import { runs } from '../runs.ts';
import { generate, kinds } from './generated-models.ts';
import { modelOf, type RealModel, realModels } from './real-models.ts';
import { runModel } from './run-model.ts';
import { argmax, flowers, lines, page } from './task-samples.ts';

const LINES = runs(8);
const MODELS = runs(5);
/** FP16 keeps 11 bits: 2⁻¹¹ a rounding, of which a value of these models sees some tens. */
const TOLERANCE = 0.05;

const half = { compute: 'half' } as const;
const named = (name: string): RealModel => realModels.find((one) => one.name === name)!;

describe('float16', () => {
  it.each(
    (['half', 'single'] as const).flatMap((compute) =>
      ['det', 'cls', 'rec', 'silero v5', 'silero legacy'].map((name) => ({ name, compute })),
    ),
  )('$name is at most 0.51 of its size, computing in $compute', async ({ name, compute }) => {
    const real = named(name);
    const model = float16(fuse(modelOf(real)), { compute });
    const bytes = writeModel(model);
    expect(bytes.length / real.bytes.length).toBeLessThanOrEqual(0.51);
    expect(readSignature(bytes)).toEqual(readSignature(real.bytes));
    const feeds = real.feeds.slice(0, 1);
    const [before, after] = [await runModel(modelOf(real), feeds), await runModel(model, feeds)];
    const worst = Math.max(...before.map((one, at) => difference(one, after[at]!).most));
    console.log(
      `${name}: ${(bytes.length / real.bytes.length).toFixed(4)} of the size, worst difference ${worst.toFixed(5)}`,
    );
    expect(worst).toBeLessThan(TOLERANCE);
  });

  it.each(['half', 'single'] as const)(
    `decides as FP32 does on ${LINES} rendered lines, 2 pages and 150 flowers, computing in %s`,
    { timeout: 300_000 },
    async (compute) => {
      const samples: [string, readonly Tensors[], (outputs: Tensors) => readonly number[], number][] = [
        // A step in twenty stands between two letters, and its decision between blank and letter tips by any rounding.
        ['rec', await lines(LINES), (outputs) => argmax(numbersOf(outputs, 'softmax_11.tmp_0'), 6625), 0.99],
        // Text or none, as the regions are cut out.
        ['det', [await page(0), await page(5)], (outputs) => numbersOf(outputs, 'sigmoid_0.tmp_0').map(isText), 0.999],
        ['iris', [flowers()], (outputs) => Array.from(outputs['class']!.data as BigInt64Array, Number), 0.999],
      ];
      for (const [name, feeds, decide, least] of samples) {
        const model = modelOf(named(name));
        const [before, after] = [
          await runModel(model, feeds),
          await runModel(float16(fuse(model), { compute }), feeds),
        ];
        const pairs = before.flatMap((one, at) => {
          const other = decide(after[at]!);
          return decide(one).map((decision, index) => decision === other[index]);
        });
        const agree = pairs.filter((same) => same).length / pairs.length;
        console.log(`${name}, ${compute}: ${(100 * agree).toFixed(3)} % of ${pairs.length} decisions agree`);
        expect(agree, name).toBeGreaterThanOrEqual(least);
      }
    },
  );

  it(`runs ${kinds.length * MODELS} generated models, and changes inputs and outputs when asked`, {
    timeout: 120_000,
  }, async () => {
    let worst = 0;
    for (const kind of kinds) {
      for (let seed = 0; seed < MODELS; seed++) {
        const { model, feeds } = generate(kind, 977 * seed + 3);
        const before = await runModel(model, feeds);
        for (const one of [model, fuse(model)]) {
          const after = await runModel(float16(one, { compute: 'half' }), feeds);
          for (const [at, outputs] of before.entries()) {
            const { output, most } = difference(onlyFloats(outputs), after[at]!);
            worst = Math.max(worst, most);
            expect(most, `${kind} ${seed} ${output}`).toBeLessThan(TOLERANCE);
          }
          const halves = feeds.map((feed) =>
            Object.fromEntries(Object.entries(feed).map(([name, one]) => [name, asHalf(one)])),
          );
          const inner = await runModel(float16(one, { compute: 'half', keepIo: false }), halves);
          for (const outputs of inner) {
            for (const result of Object.values(outputs)) expect(['FP16', 'INT64']).toContain(result.datatype);
          }
        }
      }
    }
    console.log(`${2 * kinds.length * MODELS} conversions, worst difference ${worst.toFixed(5)}`);
  });

  it.each([
    { what: 'past 65504', constant: 70_000 },
    { what: 'a mask', constant: -3.4e38 },
    { what: 'an epsilon', constant: 1e-7 },
  ])('keeps a node in FP32 whose constant is $what', ({ constant }) => {
    const model = float16(addTo(constant), half);
    expect(initializer(model, 'c')).toBe(Type.FLOAT);
    expect(model.graph.node.map(({ opType }) => opType)).toEqual(['Add']);
  });

  it('converts the same node where its constant fits, and keeps it where it is named', () => {
    expect(float16(addTo(0.5), half).graph.node.map(({ opType }) => opType)).toEqual(['Cast', 'Add', 'Cast']);
    expect(initializer(float16(addTo(0.5), half), 'c')).toBe(Type.FLOAT16);
    expect(float16(addTo(0.5), { ...half, keep: new Set(['y']) }).graph.node.map(({ opType }) => opType)).toEqual([
      'Add',
    ]);
  });

  it('leaves the weights of a node that is kept as they are, however large', () => {
    const values = { elemType: Type.FLOAT, shape: [600, 2], data: new Float32Array(1200).fill(0.1) };
    const graph = {
      node: [{ opType: 'Add', input: ['x', 'c'], output: ['y'] }],
      initializer: [makeTensor('c', values)],
    };
    const model = readModel(bytesOf(tinyGraph(graph)));
    expect(initializer(float16(model), 'c')).toBe(Type.FLOAT16);
    expect(initializer(float16(model, { keep: new Set(['y']) }), 'c')).toBe(Type.FLOAT);
  });

  it('goes on inside the branches of silero', () => {
    const model = float16(modelOf(named('silero v5')));
    const weights = [...weightsOf(model)].filter(({ rawData }) => rawData.length > 1000);
    const halves = weights.filter(({ dataType }) => dataType === Type.FLOAT16).length;
    console.log(`silero v5: ${halves} of ${weights.length} larger weights are FP16`);
    expect(halves / weights.length).toBeGreaterThan(0.8);
  });
});

function addTo(constant: number): OnnxModel {
  return readModel(
    bytesOf(
      tinyGraph({
        node: [{ opType: 'Add', input: ['x', 'c'], output: ['y'] }],
        initializer: [{ name: 'c', dims: [1n], dataType: 1, floatData: [constant] }],
      }),
    ),
  );
}

function initializer(model: OnnxModel, name: string): number | undefined {
  return model.graph.initializer.find((one) => one.name === name)?.dataType;
}

function numbersOf(outputs: Tensors, name: string): number[] {
  return Array.from(outputs[name]!.data as Float32Array);
}

function isText(probability: number): number {
  return probability > 0.3 ? 1 : 0;
}

/** Classes follow from the rest, and may tip where two are equally likely. */
function onlyFloats(outputs: Tensors): Tensors {
  return Object.fromEntries(Object.entries(outputs).filter(([, { datatype }]) => datatype === 'FP32'));
}

function asHalf(one: Tensors[string]): Tensors[string] {
  const data = new Uint16Array(Float16Array.from(one.data as Float32Array).buffer);
  return { datatype: 'FP16', shape: one.shape, data };
}
