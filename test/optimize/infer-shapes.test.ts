// Shape inference against the runs themselves: every value of a graph becomes an output, and what was said of it is held
// against what came.
import { create } from '@bufbuild/protobuf';
import { type GraphProto, ValueInfoProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { changed } from '../../src/onnx/changed.ts';
import type { OnnxModel } from '../../src/onnx/read.ts';
import { readModel } from '../../src/onnx/read.ts';
import { typeName } from '../../src/onnx/signature.ts';
import { makeTensor } from '../../src/onnx/tensor-values.ts';
import { inferShapes } from '../../src/optimize/graph/infer-shapes.ts';
import { ownConstants } from '../../src/optimize/graph/own-constants.ts';
import { simplify } from '../../src/optimize/graph/simplify.ts';
import { sortNodes } from '../../src/optimize/graph/sort-nodes.ts';
import { lengthsOf, type ValueType } from '../../src/optimize/graph/value-type.ts';
import type { Tensor, Tensors } from '../../src/tensor/tensor.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';
import { runs } from '../runs.ts';
import { generate, kinds } from './generated-models.ts';
import { modelOf, realModels } from './real-models.ts';
import { runModel } from './run-model.ts';

const MODELS = runs(8);

describe('inferred shapes', () => {
  it.each(realModels)('of $name are those of the run', async (real) => {
    const model = ownConstants(sortNodes(modelOf(real)));
    const { checked, known } = await compare(model, real.feeds);
    console.log(`${real.name}: ${checked} values agree, ${known} of their lengths known`);
    expect(checked).toBeGreaterThan(0);
    expect(inferShapes(model).unknownOperators).toEqual({});
  });

  it.each([16000n, 8000n])('of silero v5 at a fixed rate of %s, whose branch stands in the open then', async (rate) => {
    const real = realModels.find(({ name }) => name === 'silero v5')!;
    const model = modelOf(real);
    const sr = makeTensor('sr', { elemType: 7, shape: [], data: BigInt64Array.of(rate) });
    const fixed = simplify(
      changed(model, { graph: changed(model.graph, { initializer: [...model.graph.initializer, sr] }) }),
    );
    const feeds = real.feeds.filter((one) => one['sr']!.data[0] === rate).map(({ sr: _sr, ...rest }) => rest);
    const { checked, known } = await compare(fixed, feeds);
    console.log(`silero v5 at ${rate}: ${checked} values agree, ${known} of their lengths known`);
    expect(checked).toBeGreaterThan(30);
  });

  it(`of ${kinds.length * MODELS} generated models are those of the run`, { timeout: 120_000 }, async () => {
    let checked = 0;
    for (const kind of kinds) {
      for (let seed = 0; seed < MODELS; seed++) {
        const { model, feeds } = generate(kind, 31 * seed + 5);
        for (const one of [ownConstants(sortNodes(model)), simplify(model)]) {
          checked += (await compare(one, feeds)).checked;
        }
      }
    }
    console.log(`${kinds.length * MODELS} generated models: ${checked} values agree`);
    expect(checked).toBeGreaterThan(100 * MODELS);
  });

  it('reach into branches: the convolutions of silero, which stand under If, have their channels', () => {
    const model = simplify(modelOf(realModels.find(({ name }) => name === 'silero v5')!));
    const { graphs } = inferShapes(model);
    const shapes = [...graphs].flatMap(([graph, types]) =>
      graph === model.graph
        ? []
        : graph.node.filter(({ opType }) => opType === 'Conv').map(({ output }) => types.get(output[0]!)?.shape),
    );
    expect(shapes.length).toBe(12);
    expect(shapes.filter((shape) => typeof shape?.[1] === 'number').length).toBeGreaterThanOrEqual(10);
  });

  it('keep the name of a free dimension through shape arithmetic', () => {
    const model = readModel(
      bytesOf(
        tinyGraph({
          input: [value('x', ['N', 3, 4])],
          node: [
            { opType: 'Shape', input: ['x'], output: ['s'] },
            { opType: 'Gather', input: ['s', 'first'], output: ['n'] },
            { opType: 'Concat', input: ['n', 'rest'], output: ['to'], attribute: [{ name: 'axis', i: 0n }] },
            { opType: 'Reshape', input: ['x', 'to'], output: ['y'] },
          ],
          initializer: [
            { name: 'first', dims: [1n], dataType: 7, int64Data: [0n] },
            { name: 'rest', dims: [1n], dataType: 7, int64Data: [-1n] },
          ],
        }),
      ),
    );
    expect(inferShapes(model).graphs.get(model.graph)?.get('y')?.shape).toEqual(['N', 12]);
  });

  it('say of an operator without a rule that nothing is known, and name it', () => {
    const node = [
      { opType: 'Wonder', domain: 'my.domain', input: ['x'], output: ['w'] },
      { opType: 'Relu', input: ['w'], output: ['y'] },
    ];
    const model = readModel(bytesOf(tinyGraph({ node })));
    const { graphs, unknownOperators } = inferShapes(model);
    expect(unknownOperators).toEqual({ 'my.domain.Wonder': 1 });
    expect(graphs.get(model.graph)?.get('y')).toEqual({ elemType: 0, shape: undefined });
  });
});

/** Throws where the run gives another type, rank, length or element than inference said. */
async function compare(model: OnnxModel, feeds: readonly Tensors[]): Promise<{ checked: number; known: number }> {
  const types = inferShapes(model).graphs.get(model.graph)!;
  const names = model.graph.node.flatMap(({ output }) => output).filter((name) => name !== '');
  const given = new Set(model.graph.output.map(({ name }) => name));
  const output = names.filter((name) => !given.has(name)).map((name) => create(ValueInfoProtoSchema, { name }));
  const graph: GraphProto = changed(model.graph, { output: [...model.graph.output, ...output] });
  let [checked, known] = [0, 0];
  for (const [index, results] of (await runModel(changed(model, { graph }), feeds)).entries()) {
    const free = new Map<string, number>();
    for (const { name } of model.graph.input) bind(free, types.get(name), feeds[index]![name]?.shape);
    for (const name of names) {
      const type = types.get(name);
      const result = results[name];
      if (!type || !result) continue;
      expect([name, ...difference(type, result, free)]).toEqual([name]);
      checked++;
      known += type.shape?.filter((length) => length !== undefined).length ?? 0;
    }
  }
  return { checked, known };
}

function bind(free: Map<string, number>, type: ValueType | undefined, shape: readonly number[] | undefined): void {
  for (const [axis, length] of (type?.shape ?? []).entries()) {
    if (typeof length === 'string' && shape) free.set(length, shape[axis]!);
  }
}

function difference(type: ValueType, result: Tensor, free: ReadonlyMap<string, number>): string[] {
  const found: string[] = [];
  if (type.elemType !== 0 && typeName(type.elemType) !== result.datatype) found.push(`${typeName(type.elemType)}`);
  const agrees = (length: unknown, came: number) =>
    length === undefined || length === came || (typeof length === 'string' && (free.get(length) ?? came) === came);
  const { shape } = type;
  if (
    shape &&
    (shape.length !== result.shape.length || !shape.every((length, axis) => agrees(length, result.shape[axis]!)))
  ) {
    found.push(`shape ${JSON.stringify(shape)}, came ${JSON.stringify(result.shape)}`);
  }
  const lengths = lengthsOf(type);
  if (lengths && !lengths.every((length, at) => agrees(length, Number(result.data[at])))) {
    found.push(`lengths ${JSON.stringify(lengths)}`);
  }
  if (
    type.constant &&
    !type.constant.data.every((one: number | bigint, at: number) => Object.is(one, result.data[at]))
  ) {
    found.push('elements');
  }
  return found;
}
