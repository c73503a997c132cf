import { create } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { GlowplugError } from '../../src/core/errors.ts';
import { checkWire, limits } from '../../src/onnx/limits.ts';
import { readModel } from '../../src/onnx/read.ts';
import { writeModel } from '../../src/onnx/write.ts';
import { sampleBytes, sampleModels } from './sample-models.ts';
import { bytesOf, type GraphInit, type TensorInit, tinyModel } from './tiny-model.ts';

describe('reading and writing ONNX', () => {
  it.each(Object.keys(sampleModels))('%s comes back byte for byte', (name) => {
    const bytes = sampleBytes(name);
    expect(Buffer.compare(writeModel(readModel(bytes)), bytes)).toBe(0);
  });

  it('writes the same model to the same bytes twice', () => {
    expect(bytesOf(tinyModel())).toEqual(bytesOf(tinyModel()));
  });

  it('keeps fields that this version of ONNX does not know', () => {
    const bytes = Buffer.concat([
      bytesOf(tinyModel()),
      new BinaryWriter().tag(999, WireType.Varint).uint32(7).finish(),
    ]);
    expect(Buffer.compare(writeModel(readModel(bytes)), bytes)).toBe(0);
  });

  it.each([
    ['nothing', '', 'expected an ONNX model, got an empty file'],
    ['text', '# README\n', 'expected an ONNX model, got a text file'],
    ['JSON', '{"model": 1}', 'expected an ONNX model, got JSON'],
    ['an error page', '<!DOCTYPE html><html>', 'expected an ONNX model, got HTML or XML, as a failed download leaves'],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:00',
      'expected an ONNX model, got a Git LFS pointer (run git lfs pull)',
    ],
    ['a PyTorch file', 'PK\x03\x04xxxxxxxx', 'expected an ONNX model, got a ZIP archive, as PyTorch and Keras write'],
    [
      'what joblib wrote',
      '\x80\x04\x95\x07\x00\x00',
      'expected an ONNX model, got a Python pickle, as PyTorch and scikit-learn write',
    ],
  ])('says what was given instead of a model: %s', (_what, text, message) => {
    expect(refusal(Buffer.from(text, 'latin1'))).toBe(message);
  });

  it('says what makes a model of another framework’s file', () => {
    expect(() => readModel(Buffer.from('PK\x03\x04xxxxxxxx', 'latin1'))).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('glowplug convert') }),
    );
  });

  it('says that a file was cut off, and how much is missing', () => {
    const bytes = sampleBytes('cls');
    expect(refusal(bytes.subarray(0, 100_000))).toMatch(
      /^expected \d+ more bytes at byte \d+, got \d+: the file is cut off, or is not ONNX$/,
    );
  });

  it('says that a file was cut off between two of its parts', () => {
    expect(refusal(bytesOf(tinyModel({ opsetImport: [] })))).toBe(
      'expected an ONNX model, got one that names no IR version or no opset: cut off, or not ONNX',
    );
    expect(refusal(bytesOf({ irVersion: 8n }))).toBe('expected an ONNX model, got a file without a graph');
  });
});

describe('limits of untrusted ONNX files', () => {
  it('refuses before anything is allocated what would take much more memory than its bytes: 6 MB of empty nodes are 1 GB', () => {
    const nodes = new Uint8Array(6e6);
    for (let at = 0; at < nodes.length; at += 2) nodes[at] = 0x0a;
    const before = process.memoryUsage().rss;
    expect(refusal(graphOf(nodes))).toMatch(/^expected a model that takes at most 1073741824 bytes once read/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  it.each<[string, TensorInit]>([
    ['packed whole numbers', { int64Data: Array<bigint>(1000).fill(1n) }],
    ['packed floats', { floatData: Array<number>(1000).fill(1) }],
    ['packed doubles', { doubleData: Array<number>(1000).fill(1) }],
    ['empty strings', { stringData: Array<Uint8Array<ArrayBuffer>>(1000).fill(new Uint8Array()) }],
  ])('counts what weights outside raw_data take: %s', (_what, tensor) => {
    const model = bytesOf(tinyModel({ graph: { name: 'g', initializer: [tensor] } }));
    expect(() => checkWire(model, ModelProtoSchema, { ...limits, heap: 35_000 })).toThrow(
      /keep the weights in raw_data/,
    );
    expect(() => checkWire(model, ModelProtoSchema, { ...limits, heap: 125_000 })).not.toThrow();
  });

  it('counts unknown fields, which a reader keeps as objects', () => {
    // Field 999, varint 1: three bytes each.
    const unknown = Uint8Array.from(Array.from({ length: 1000 }, () => [0xb8, 0x3e, 1]).flat());
    expect(() => checkWire(unknown, ModelProtoSchema, { ...limits, heap: 150_000 })).toThrow(/got more by byte/);
    expect(() => checkWire(unknown, ModelProtoSchema, { ...limits, heap: 250_000 })).not.toThrow();
  });

  it('takes weights in raw_data for what they are: views of the file', () => {
    const model = bytesOf(tinyModel({ graph: { name: 'g', initializer: [{ rawData: new Uint8Array(1e6) }] } }));
    expect(() => checkWire(model, ModelProtoSchema, { ...limits, heap: 10_000 })).not.toThrow();
  });

  it('refuses subgraphs nested deeper than onnxruntime’s own reader goes', () => {
    const nest = (levels: number) => {
      let graph: GraphInit = { name: 'innermost' };
      for (let level = 0; level < levels; level++) graph = { node: [{ opType: 'If', attribute: [{ g: graph }] }] };
      return bytesOf(tinyModel({ graph }));
    };
    expect(() => readModel(nest(32))).not.toThrow();
    expect(refusal(nest(40))).toMatch(/^expected messages nested at most 100 deep/);
  });

  it('refuses a file over 2 GiB by its length alone', () => {
    expect(() => checkWire(new Uint8Array(11), ModelProtoSchema, { ...limits, bytes: 10 })).toThrow(
      'expected at most 10 bytes, got 11; keep the weights as external data',
    );
  });

  it.each<[string, number[], RegExp]>([
    ['a number without end', [0x08, ...Array<number>(11).fill(0x80)], /a number of at most ten bytes/],
    ['a length of 2⁶³', [0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], /more bytes at byte 1/],
    [
      'a tag of more than 32 bits, which a reader would cut to a known field',
      [0xba, 0x80, 0x80, 0x80, 0x10, 0x00],
      /expected a field of ModelProto at byte 0/,
    ],
    [
      'a known field in a foreign wire type',
      [0x38, 0x01],
      /expected ModelProto.graph at byte 0, got it in wire type 0/,
    ],
    ['a group, which ONNX has none of', [0xf3, 0x3e, 0xf4, 0x3e], /wire type 3/],
    [
      'a length that leaves its own message',
      [0x3a, 0x02, 0x0a, 0x05, 0, 0, 0, 0, 0],
      /expected at most 0 bytes at byte 3, got a length of 5/,
    ],
    ['packed numbers cut off', [0x3a, 0x05, 0x2a, 0x03, 0x3a, 0x01, 0x80], /got one cut off at byte 7/],
    ['packed floats of a broken length', [0x3a, 0x05, 0x2a, 0x03, 0x22, 0x01, 0x00], /expected a multiple of 4 bytes/],
    ['text that is not UTF-8', [0x12, 0x01, 0xff], /cannot be read|names no IR|without a graph/],
  ])('refuses %s', (_what, bytes, message) => {
    expect(refusal(Uint8Array.from(bytes))).toMatch(message);
  });
});

/** The message of the MODEL_INVALID that reading `bytes` must give. */
function refusal(bytes: Uint8Array): string {
  try {
    readModel(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(GlowplugError);
    expect(error).toHaveProperty('code', 'MODEL_INVALID');
    return error instanceof Error ? error.message : '';
  }
  throw new Error('expected a refusal');
}

/** A model whose graph is these bytes. */
function graphOf(graph: Uint8Array): Uint8Array {
  const head = writeModel(create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }] }));
  return Buffer.concat([head, new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(graph).finish()]);
}
