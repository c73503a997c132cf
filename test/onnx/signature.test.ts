import { TensorProto_DataType as Type } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { readSignature } from '../../src/onnx/signature.ts';
import { createOrtSession } from '../../src/session/ort.ts';
import { sampleBytes, sampleModels } from './sample-models.ts';
import { bytesOf, type GraphInit, tinyGraph, tinyModel, value } from './tiny-model.ts';

describe('signature', () => {
  it.each(Object.keys(sampleModels))('of %s is what onnxruntime tells of the loaded session', async (name) => {
    await using session = await createOrtSession(sampleModels[name]!, { threads: 1 });
    expect(readSignature(sampleBytes(name))).toEqual(session.signature);
  });

  it('gives a free dimension its name, and ? when it has none or a negative length', () => {
    expect(inputs([value('x', ['batch', 3, null, '', -1])])).toEqual({
      x: { datatype: 'FP32', shape: ['batch', 3, '?', '?', '?'] },
    });
  });

  it('counts no initialiser as an input, also where an old exporter lists it as one', () => {
    const signature = readSignature(
      bytesOf(
        tinyModel({
          irVersion: 3n,
          graph: {
            name: 'old',
            node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
            input: [value('x', [2]), value('w', [2])],
            output: [value('y', [2])],
            initializer: [{ name: 'w', dims: [2n], dataType: Type.FLOAT, floatData: [1, 2] }],
          },
        }),
      ),
    );
    expect(Object.keys(signature.inputs)).toEqual(['x']);
  });

  it.each([
    ['BOOL', Type.BOOL],
    ['UINT8', Type.UINT8],
    ['INT64', Type.INT64],
    ['FP16', Type.FLOAT16],
    ['FP64', Type.DOUBLE],
    ['BYTES', Type.STRING],
  ])('names the element type %s as the protocol does', (datatype, type) => {
    expect(inputs([value('x', [1], type)])).toEqual({ x: { datatype, shape: [1] } });
  });

  it.each<[string, ReturnType<typeof value> | { name: string; type?: object }, string]>([
    [
      'an element type without a name in the protocol',
      value('x', [1], Type.BFLOAT16),
      'input "x": expected an element type of the protocol, got BFLOAT16',
    ],
    [
      'an input without a shape',
      value('x', undefined),
      'input "x": expected a shape, got none, so that requests cannot be checked',
    ],
    ['an input without a type', { name: 'x' }, 'input "x": expected a tensor, got no type'],
    [
      'a sequence',
      { name: 'x', type: { value: { case: 'sequenceType', value: {} } } },
      'input "x": expected a tensor, got sequence',
    ],
  ])('refuses %s as MODEL_UNSUPPORTED, with the name', (_what, input, message) => {
    expect(() => inputs([input])).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message }));
  });

  it('refuses two inputs of one name and an input without a name as MODEL_INVALID', () => {
    expect(() => inputs([value('x', [1]), value('x', [1])])).toThrow(
      'expected a name of its own for each input, got one twice',
    );
    expect(() => inputs([value('', [1])])).toThrow('expected a name for each input, got an empty one');
  });

  it('takes an input named __proto__ for a name like any other', () => {
    expect(Object.keys(inputs([value('__proto__', [1])]))).toEqual(['__proto__']);
  });
});

function inputs(input: NonNullable<GraphInit['input']>) {
  return readSignature(bytesOf(tinyGraph({ input }))).inputs;
}
