// Versions of a model that adds its own number, so that an answer tells which version gave it.
import { TensorProto_DataType as Type } from 'onnx-buf';
import type { Signature } from '../../src/core/signature.ts';
import { buildManifest } from '../../src/models/manifest.ts';
import type { BuiltVersion } from '../../src/models/version.ts';
import { bytesOf, tinyGraph, value } from '../onnx/tiny-model.ts';

export const signature: Signature = {
  inputs: { x: { datatype: 'FP32', shape: ['N', 2] } },
  outputs: { y: { datatype: 'FP32', shape: ['N', 2] } },
};

/** y = x + number, of about `bytes`; `adds.txt` says the number. */
export function adder(number: number, options: { bytes?: number; version?: string } = {}): BuiltVersion {
  const { bytes = 0, version } = options;
  const graph = tinyGraph({
    node: [{ opType: 'Add', input: ['x', 'c'], output: ['y'] }],
    input: [value('x', ['N', 2])],
    output: [value('y', ['N', 2])],
    initializer: [
      { name: 'c', dims: [1n], dataType: Type.FLOAT, rawData: raw(Float32Array.of(number)) },
      ...(bytes > 0
        ? [{ name: 'pad', dims: [BigInt(bytes)], dataType: Type.UINT8, rawData: new Uint8Array(bytes) }]
        : []),
    ],
  });
  return versionOf(number, bytesOf(graph), signature, version);
}

/** Published as it should be, and no ONNX file. */
export function notOnnx(number: number): BuiltVersion {
  return versionOf(number, Buffer.from(`no model ${number}`), signature);
}

/** Another input name: the functions of today cannot feed it. */
export function otherSignature(number: number): BuiltVersion {
  const graph = tinyGraph({
    node: [{ opType: 'Identity', input: ['z'], output: ['y'] }],
    input: [value('z', ['N', 2])],
  });
  return versionOf(number, bytesOf(graph), { ...signature, inputs: { z: signature.inputs['x']! } });
}

function versionOf(number: number, onnx: Uint8Array, of: Signature, version = `${number}.0.0`): BuiltVersion {
  return buildManifest({
    model: 'adder',
    version,
    license: 'MIT',
    files: { 'model.onnx': onnx, 'adds.txt': Buffer.from(`${number}`) },
    signature: of,
  });
}

function raw(values: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer);
}
