import { TensorProto_DataLocation, TensorProto_DataType as Type } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../src/onnx/inspect.ts';
import { sampleBytes } from './sample-models.ts';
import { bytesOf, tinyGraph, value } from './tiny-model.ts';

describe('inspecting a model', () => {
  it('tells of iris all there is', () => {
    expect(inspectModel(sampleBytes('iris'))).toEqual({
      size: sampleBytes('iris').length,
      irVersion: 7,
      producer: 'glowplug models/iris/train.ts',
      opsets: { 'ai.onnx': 13 },
      signature: {
        inputs: { x: { datatype: 'FP32', shape: ['N', 4] } },
        outputs: {
          class: { datatype: 'INT64', shape: ['N'] },
          probabilities: { datatype: 'FP32', shape: ['N', 3] },
        },
      },
      operators: { ArgMax: 1, Div: 1, Gemm: 1, Softmax: 1, Sub: 1 },
      // 4 means, 4 deviations, 4 × 3 weights, 3 biases.
      parameters: 23,
      parameterBytes: 92,
      externalData: [],
      willNotRun: [],
    });
  });

  it('counts the weights that PaddlePaddle keeps in Constant nodes', () => {
    const { operators, parameters, parameterBytes } = inspectModel(sampleBytes('rec'));
    expect(Object.entries(operators).slice(0, 2)).toEqual([
      ['Constant', 325],
      ['Add', 107],
    ]);
    expect(parameters).toBe(2_690_312);
    expect(parameterBytes).toBe(10_761_252);
  });

  it('walks subgraphs, at any depth: their operators and weights count', () => {
    const inner = {
      name: 'inner',
      node: [{ opType: 'Relu', input: ['x'], output: ['r'] }],
      initializer: [weight('w', 3)],
    };
    const outer = { name: 'outer', node: [{ opType: 'Loop', attribute: [{ name: 'body', g: inner }] }] };
    const model = tinyGraph({
      node: [
        {
          opType: 'If',
          attribute: [
            { name: 'then_branch', g: outer },
            { name: 'else_branch', g: inner },
          ],
        },
      ],
    });
    const { operators, parameters } = inspectModel(bytesOf(model));
    expect(operators).toEqual({ Relu: 2, If: 1, Loop: 1 });
    expect(parameters).toBe(6);
  });

  it('counts weights of half a byte, and those without raw data, by their shape', () => {
    const initializer = [
      { name: 'q', dims: [5n], dataType: Type.INT4, rawData: new Uint8Array(3) },
      { name: 'f', dims: [2n, 2n], dataType: Type.FLOAT, floatData: [1, 2, 3, 4] },
    ];
    expect(inspectModel(bytesOf(tinyGraph({ initializer })))).toMatchObject({ parameters: 9, parameterBytes: 3 + 16 });
  });

  it('names the files beside the model that hold its weights', () => {
    const initializer = ['a', 'b'].map((name) => ({
      name,
      dims: [10n],
      dataType: Type.FLOAT,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [{ key: 'location', value: 'weights.bin' }],
    }));
    expect(inspectModel(bytesOf(tinyGraph({ initializer }))).externalData).toEqual([
      { location: 'weights.bin', bytes: 80 },
    ]);
  });

  it('inspects a model without a usable signature, and says why there is none', () => {
    const inspection = inspectModel(bytesOf(tinyGraph({ input: [value('x', [1], Type.BFLOAT16)] })));
    expect(inspection.signature).toBeUndefined();
    expect(inspection.willNotRun).toEqual(['input "x": expected an element type of the protocol, got BFLOAT16']);
  });
});

function weight(name: string, length: number) {
  return { name, dims: [BigInt(length)], dataType: Type.FLOAT, rawData: new Uint8Array(4 * length) };
}
