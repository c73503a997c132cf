// A graph that onnxruntime optimised beforehand, as a recipe keeps it: without the weights that it has from its model. They are named
// by digest, so that the recipe is some kilobytes, and is of these weights alone.
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { clearField, create } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as Location,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { GlowplugError } from '../core/errors.ts';
import { nodesOf, weightsOf } from '../onnx/nodes.ts';
import { type OnnxModel, readModel } from '../onnx/read.ts';
import { readTensor } from '../onnx/tensor-values.ts';
import { writeModel } from '../onnx/write.ts';

/** Floats of an AVX-512 vector. */
const BLOCK = 16;
/** A smaller weight is not much longer than its name. */
const LEAST_BYTES = 256;
/** What onnxruntime may compute anew: the recipe is committed, and carries it. */
const MOST_NEW_BYTES = 64 * 1024;
/** A graph of 100,000 nodes has 20 MB. */
const MOST_GRAPH_BYTES = 64 * 1024 * 1024;

/** Undefined where `optimized` has more weights of its own than a recipe should carry. */
export function packGraph(optimized: Uint8Array, model: Uint8Array): string | undefined {
  const graph = readModel(optimized);
  const known = weightsByDigest(readModel(model));
  let fresh = 0;
  for (const tensor of weightsOf(graph)) {
    const bytes = bytesOf(tensor);
    if (!bytes || bytes.length < LEAST_BYTES) continue;
    const source = known.has(digestOf(bytes)) ? { location: digestOf(bytes) } : blockedFrom(tensor, bytes, known);
    if (source) refer(tensor, source);
    else fresh += bytes.length;
  }
  if (fresh > MOST_NEW_BYTES) return undefined;
  // onnxruntime infers the shapes of values in between itself.
  graph.graph.valueInfo = [];
  // It numbers these by where they lie in memory: the same graph would be another recipe each time.
  for (const node of nodesOf(graph)) if (node.opType === 'ReorderOutput') node.name = '';
  return deflateRawSync(writeModel(graph)).toString('base64');
}

/** What packGraph packed, its weights in their places. Pure. @throws GlowplugError CONFIG_INVALID for a recipe of another model */
export function unpackGraph(text: string, model: Uint8Array): Uint8Array {
  const graph = readModel(inflated(text));
  const known = weightsByDigest(readModel(model));
  for (const tensor of weightsOf(graph)) {
    if (tensor.dataLocation !== Location.EXTERNAL) continue;
    const { location = '', inner } = Object.fromEntries(tensor.externalData.map(({ key, value }) => [key, value]));
    const source = known.get(location);
    if (!source) throw notRecipe(`got one with weights (${location.slice(0, 19)}…) that it does not have`);
    tensor.rawData = inner === undefined ? new Uint8Array(bytesOf(source)!) : blocked(source, Number(inner));
    clearField(tensor, TensorProtoSchema.field.dataLocation);
    tensor.externalData = [];
  }
  return writeModel(graph);
}

function weightsByDigest(model: OnnxModel): Map<string, TensorProto> {
  const found = new Map<string, TensorProto>();
  for (const tensor of weightsOf(model)) {
    const bytes = bytesOf(tensor);
    if (bytes && bytes.length >= LEAST_BYTES) found.set(digestOf(bytes), tensor);
  }
  return found;
}

/** Which of the model's filters these bytes are, in blocks of channels. */
function blockedFrom(tensor: TensorProto, bytes: Uint8Array, known: ReadonlyMap<string, TensorProto>) {
  for (const [location, source] of known) {
    if (source.dataType !== Type.FLOAT || source.dims.length !== 4) continue;
    const [outputs = 0, inputs = 0, ...kernel] = source.dims.map(Number);
    for (const inner of [1, BLOCK]) {
      const dims = [upTo(outputs, BLOCK), upTo(inputs, inner), ...kernel];
      if (`${dims}` !== `${tensor.dims}`) continue;
      if (Buffer.compare(blocked(source, inner), bytes) === 0) return { location, inner: `${inner}` };
    }
  }
  return undefined;
}

/**
 * A convolution's filter, [O, I, H, W], as MLAS wants it on processors with AVX-512: [O / 16, I / inner, H, W, inner, 16], channels
 * that are none filled with zeros (onnxruntime, mlas/lib/reorder.cpp).
 */
function blocked(filter: TensorProto, inner: number): Uint8Array<ArrayBuffer> {
  const values = readTensor(filter);
  const [outputs = 0, inputs = 0, height = 0, width = 0] = values?.shape ?? [];
  const area = height * width;
  const inputBlocks = Math.ceil(inputs / inner);
  const laid = new Float32Array(upTo(outputs, BLOCK) * upTo(inputs, inner) * area);
  const data = values?.data ?? [];
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let at = 0; at < area; at++) {
        const block = (Math.floor(o / BLOCK) * inputBlocks + Math.floor(i / inner)) * area + at;
        laid[(block * inner + (i % inner)) * BLOCK + (o % BLOCK)] = Number(data[(o * inputs + i) * area + at]);
      }
    }
  }
  return new Uint8Array(laid.buffer);
}

function upTo(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}

/** As raw_data has it, whatever list its writer used. */
function bytesOf(tensor: TensorProto): Uint8Array | undefined {
  const data = readTensor(tensor)?.data;
  return data && new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function refer(tensor: TensorProto, source: Readonly<Record<string, string>>): void {
  tensor.rawData = new Uint8Array();
  tensor.floatData = [];
  tensor.int32Data = [];
  tensor.int64Data = [];
  tensor.doubleData = [];
  tensor.uint64Data = [];
  tensor.dataLocation = Location.EXTERNAL;
  tensor.externalData = Object.entries(source).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
}

function inflated(text: string): Uint8Array {
  try {
    return inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: MOST_GRAPH_BYTES });
  } catch (cause) {
    throw notRecipe('got one whose graph cannot be read', cause);
  }
}

function notRecipe(came: string, cause?: unknown): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `expected a recipe of this model, ${came}`, {
    cause,
    remedy: 'Make the recipe again: glowplug optimize.',
  });
}
