// Walks the protobuf wire of an untrusted ONNX file before anything is allocated: every length, every count, within limits.
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { GlowplugError } from '../core/errors.ts';

export interface Limits {
  readonly bytes: number;
  readonly depth: number;
  readonly heap: number;
}

export const limits: Limits = {
  // protobuf's own limit of one message: nothing that writes ONNX can write more, weights past it are external data.
  bytes: 2 ** 31 - 1,
  // protobuf's C++ reader, which onnxruntime uses, stops at 100 as well. One subgraph in another takes three levels.
  depth: 100,
  // Bytes that the parts take once read, raw_data apart. Room for ResNet-50 with every weight in float_data, as old
  // exporters wrote it (25 million numbers); a real graph takes little: PP-OCR rec with its 765 nodes 1 MB.
  heap: 2 ** 30,
};

/** Bytes of heap that onnx-buf takes for one of each, measured under Node 24; the largest kind counts for all. */
const cost = { message: 420, number: 36, bytes: 120, string: 40, unknown: 170 } as const;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
/** descriptor.proto's numbers of the scalar types that are not varints in onnx.proto. */
const SCALAR = { double: 1, float: 2, string: 9, bytes: 12 } as const;

interface Walk {
  readonly bytes: Uint8Array;
  readonly limits: Limits;
  at: number;
  heap: number;
}

/**
 * Refuses bytes that a protobuf reader of `schema` would stumble over, or that would take much more memory than they are.
 * Time is linear in the bytes that are not weights; nothing is allocated.
 *
 * @throws GlowplugError MODEL_INVALID
 */
export function checkWire(bytes: Uint8Array, schema: DescMessage, within: Limits = limits): void {
  if (bytes.length > within.bytes) {
    throw invalid(`expected at most ${within.bytes} bytes, got ${bytes.length}; keep the weights as external data`);
  }
  walkMessage({ bytes, limits: within, at: 0, heap: 0 }, schema, bytes.length, 1);
}

function walkMessage(walk: Walk, schema: DescMessage, end: number, depth: number): void {
  if (depth > walk.limits.depth) {
    throw invalid(`expected messages nested at most ${walk.limits.depth} deep, got more at byte ${walk.at}`);
  }
  spend(walk, cost.message);
  const fields = fieldsOf(schema);
  while (walk.at < end) {
    const start = walk.at;
    const tag = varint(walk, end);
    // A reader cuts a tag to 32 bits: past them it would see another field than this walk does.
    if (tag < 8 || tag >= 2 ** 32) throw invalid(`expected a field of ${schema.name} at byte ${start}, got none`);
    const field = fields.get(Math.floor(tag / 8));
    const wireType = tag % 8;
    if (field && !fits(field, wireType)) {
      throw invalid(`expected ${schema.name}.${field.name} at byte ${start}, got it in wire type ${wireType}`);
    }
    // The reader keeps each unknown field as an object of its own.
    if (!field) spend(walk, cost.unknown);
    walkField(walk, field, wireType, end, depth);
  }
}

function walkField(walk: Walk, field: DescField | undefined, wireType: number, end: number, depth: number): void {
  if (wireType === DELIMITED) {
    const start = walk.at;
    const length = varint(walk, end);
    const inside = walk.at + length;
    if (inside > end) throw tooLong(walk, start, length, end);
    if (field?.message) walkMessage(walk, field.message, inside, depth + 1);
    else if (field) spend(walk, costOf(walk, field, inside));
    walk.at = inside;
    return;
  }
  if (wireType === VARINT) varint(walk, end);
  else if (wireType === FIXED64) advance(walk, 8, end);
  else if (wireType === FIXED32) advance(walk, 4, end);
  else throw invalid(`expected ONNX before byte ${walk.at}, got a field of wire type ${wireType}`);
  spend(walk, cost.number);
}

/** Whether the schema's field may come in this wire type: a reader takes the schema's word and would lose its place. */
function fits(field: DescField, wireType: number): boolean {
  if (wireType === elementWireType(field)) return true;
  return wireType === DELIMITED && field.fieldKind === 'list' && field.listKind !== 'message';
}

function elementWireType(field: DescField): number {
  if (field.message) return DELIMITED;
  switch (field.scalar) {
    case SCALAR.string:
    case SCALAR.bytes:
      return DELIMITED;
    case SCALAR.double:
      return FIXED64;
    case SCALAR.float:
      return FIXED32;
    default:
      // Whole numbers and enums; ONNX has no fixed ones.
      return VARINT;
  }
}

/** What a delimited value takes: text, a view of the file's bytes, or packed numbers. */
function costOf(walk: Walk, field: DescField, end: number): number {
  const length = end - walk.at;
  switch (elementWireType(field)) {
    case DELIMITED:
      return field.scalar === SCALAR.string ? cost.string + length : cost.bytes;
    case FIXED64:
      return cost.number * whole(walk, length, 8);
    case FIXED32:
      return cost.number * whole(walk, length, 4);
    default: {
      let count = 0;
      for (let at = walk.at; at < end; at++) if (walk.bytes[at]! < 0x80) count++;
      if (length === 0 || walk.bytes[end - 1]! < 0x80) return cost.number * count;
      throw invalid(`expected whole numbers in ${field.name}, got one cut off at byte ${end}`);
    }
  }
}

function whole(walk: Walk, length: number, size: number): number {
  if (length % size === 0) return length / size;
  throw invalid(`expected a multiple of ${size} bytes of numbers at byte ${walk.at}, got ${length}`);
}

function spend(walk: Walk, bytes: number): void {
  walk.heap += bytes;
  if (walk.heap <= walk.limits.heap) return;
  throw invalid(
    `expected a model that takes at most ${walk.limits.heap} bytes once read, got more by byte ${walk.at}; keep the weights in raw_data`,
  );
}

/** At most ten bytes, as protobuf has it. Above 2⁵³ the value is not exact, which no length, tag or count can be anyway. */
function varint(walk: Walk, end: number): number {
  let value = 0;
  let factor = 1;
  for (let read = 0; read < 10; read++) {
    if (walk.at >= end)
      throw invalid(`expected a number at byte ${walk.at}, got the end of its message: the file is cut off or damaged`);
    const byte = walk.bytes[walk.at++]!;
    value += (byte % 128) * factor;
    if (byte < 128) return value;
    factor *= 128;
  }
  throw invalid(`expected a number of at most ten bytes before byte ${walk.at}, got a longer one`);
}

function advance(walk: Walk, length: number, end: number): void {
  walk.at += length;
  if (walk.at > end)
    throw invalid(
      `expected ${length} bytes before byte ${walk.at}, got the end of their message: the file is cut off or damaged`,
    );
}

function tooLong(walk: Walk, start: number, length: number, end: number): GlowplugError {
  const rest = end - walk.at;
  return end === walk.bytes.length
    ? invalid(`expected ${length} more bytes at byte ${start}, got ${rest}: the file is cut off, or is not ONNX`)
    : invalid(`expected at most ${rest} bytes at byte ${start}, got a length of ${length}: the file is damaged`);
}

const known = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();
function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  let fields = known.get(schema);
  if (!fields) {
    fields = new Map(schema.fields.map((field) => [field.number, field]));
    known.set(schema, fields);
  }
  return fields;
}

function invalid(message: string): GlowplugError {
  return new GlowplugError('MODEL_INVALID', message);
}
