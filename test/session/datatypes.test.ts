// Every element type goes through onnxruntime and comes back bit for bit; what it would change in silence is refused.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataType as Type } from 'onnx-buf';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtSession } from '../../src/session/ort.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'glowplug-datatypes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases: readonly [Tensor, number][] = [
  [tensor('BOOL', [2], Uint8Array.of(0, 1)), Type.BOOL],
  [tensor('UINT8', [2], Uint8Array.of(0, 255)), Type.UINT8],
  [tensor('UINT16', [2], Uint16Array.of(0, 65535)), Type.UINT16],
  [tensor('UINT32', [2], Uint32Array.of(0, 0xffffffff)), Type.UINT32],
  [tensor('UINT64', [2], BigUint64Array.of(0n, 2n ** 64n - 1n)), Type.UINT64],
  [tensor('INT8', [2], Int8Array.of(-128, 127)), Type.INT8],
  [tensor('INT16', [2], Int16Array.of(-32768, 32767)), Type.INT16],
  [tensor('INT32', [2], Int32Array.of(-(2 ** 31), 2 ** 31 - 1)), Type.INT32],
  [tensor('INT64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)), Type.INT64],
  [tensor('FP16', [4], Uint16Array.of(0x7e00, 0x7c00, 0x8000, 0x0001)), Type.FLOAT16],
  [tensor('FP32', [3], Float32Array.of(Number.NaN, -Infinity, 0.1)), Type.FLOAT],
  [tensor('FP64', [3], Float64Array.of(Number.NaN, -Infinity, 0.1)), Type.DOUBLE],
  [tensor('BYTES', [3], ['', 'é😀', '\ufeffa']), Type.STRING],
];

describe('onnxruntime', () => {
  it.each(cases)('gives $datatype back as it was fed, and a tensor without elements', async (fed, elemType) => {
    await using session = await identity(fed.datatype, elemType);
    expect(await session.run({ x: fed })).toEqual({ y: fed });
    const empty = { ...fed, shape: [0], data: fed.data.slice(0, 0) } as Tensor;
    expect(await session.run({ x: empty })).toEqual({ y: empty });
  });

  it.each([
    ['a NUL, where it would end the string', 'a\0b'],
    ['half a surrogate pair, which it would replace', '\ud800'],
    ['bytes that are not UTF-8', Uint8Array.of(0xff)],
  ])('never gets %s', async (_name, text) => {
    await using session = await identity('BYTES', Type.STRING);
    await expect(session.run({ x: tensor('BYTES', [2], ['fine', text]) })).rejects.toThrow(
      'input "x": expected UTF-8 text without NUL, which is what onnxruntime takes, got other bytes at element 1',
    );
  });
});

async function identity(name: string, elemType: number) {
  const path = join(folder, `${name}.onnx`);
  const model = tinyGraph({ input: [value('x', ['N'], elemType)], output: [value('y', ['N'], elemType)] });
  writeFileSync(path, bytesOf(model));
  return await createOrtSession(path, { threads: 1 });
}
