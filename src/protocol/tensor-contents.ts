// Typed contents of a tensor in a gRPC message, and the same elements as bytes. They are counted before they are allocated:
// a whole number of one byte on the wire takes up to eight in memory, and objects of a general reader a hundred.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Datatype } from '../core/signature.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { BinaryWriter, badMessage, eachField, type Field, WireType } from './wire.ts';

type Typed = Exclude<Datatype, 'FP16' | 'BYTES'>;
type Put = (view: DataView, at: number, field: Field['reader'], name: string) => void;

interface Kind {
  /** Of InferTensorContents. */
  readonly field: number;
  readonly label: string;
  readonly bytes: number;
  readonly wire: WireType;
  readonly put: Put;
}

const varint = WireType.Varint;
const kinds: Readonly<Record<Typed, Kind>> = {
  BOOL: kind(1, 'bool', 1, varint, (view, at, reader) => view.setUint8(at, reader.bool() ? 1 : 0)),
  INT8: kind(2, 'int', 1, varint, (view, at, reader, name) =>
    view.setInt8(at, within(reader.int32(), -128, 127, name)),
  ),
  INT16: kind(2, 'int', 2, varint, (view, at, reader, name) =>
    view.setInt16(at, within(reader.int32(), -32_768, 32_767, name), true),
  ),
  INT32: kind(2, 'int', 4, varint, (view, at, reader) => view.setInt32(at, reader.int32(), true)),
  INT64: kind(3, 'int64', 8, varint, (view, at, reader) => view.setBigInt64(at, BigInt(reader.int64()), true)),
  UINT8: kind(4, 'uint', 1, varint, (view, at, reader, name) =>
    view.setUint8(at, within(reader.uint32(), 0, 255, name)),
  ),
  UINT16: kind(4, 'uint', 2, varint, (view, at, reader, name) =>
    view.setUint16(at, within(reader.uint32(), 0, 65_535, name), true),
  ),
  UINT32: kind(4, 'uint', 4, varint, (view, at, reader) => view.setUint32(at, reader.uint32(), true)),
  UINT64: kind(5, 'uint64', 8, varint, (view, at, reader) => view.setBigUint64(at, BigInt(reader.uint64()), true)),
  FP32: kind(6, 'fp32', 4, WireType.Bit32, (view, at, reader) => view.setUint32(at, reader.fixed32(), true)),
  FP64: kind(7, 'fp64', 8, WireType.Bit64, (view, at, reader) => view.setBigUint64(at, BigInt(reader.fixed64()), true)),
};
const BYTES_FIELD = 8;

/**
 * @param parts the message, which protobuf lets come in several parts
 * @param most bytes that the elements may take
 * @throws GlowplugError INPUT_MESSAGE, INPUT_TENSOR, INPUT_TOO_LARGE
 */
export function contentsToBytes(
  name: string,
  datatype: string,
  parts: readonly Uint8Array[],
  most: number,
): Uint8Array {
  if (datatype === 'FP16' || datatype === 'BF16') {
    throw new GlowplugError('INPUT_TENSOR', `input ${shorten(name)}: expected ${datatype} in raw_input_contents`, {
      remedy:
        'The protocol has typed contents for every datatype but this one: send raw_input_contents for every input.',
    });
  }
  if (datatype === 'BYTES') return readElements(name, parts, most);
  // Whoever reads the datatype refuses it.
  if (!isTyped(datatype)) return new Uint8Array();
  const { field, label, bytes, wire, put } = kinds[datatype];
  let count = 0;
  for (const part of parts) {
    eachField(part, (found) => {
      if (!isField(name, found, field, `${label}_contents for ${datatype}`)) return false;
      if (found.type === wire) {
        found.reader.skip(wire, found.no);
        count++;
      } else count += packed(found, wire === varint ? undefined : bytes).count;
      return true;
    });
  }
  checkSize(name, count * bytes, most);
  const data = new Uint8Array(count * bytes);
  const view = new DataView(data.buffer);
  let at = 0;
  for (const part of parts) {
    eachField(part, ({ no, type, reader }) => {
      if (no !== field) return false;
      const end = type === wire ? reader.pos + 1 : reader.uint32() + reader.pos;
      // At least one element, and of a packed field all that are in it.
      while (reader.pos < end) {
        put(view, at, reader, name);
        at += bytes;
      }
      return true;
    });
  }
  return data;
}

/** The tensor as InferTensorContents; FP16 has none. */
export function tensorToContents(tensor: Exclude<Tensor, { datatype: 'FP16' }>): Uint8Array {
  const writer = new BinaryWriter();
  if (tensor.datatype === 'BYTES') {
    for (const element of tensor.data) {
      writer.tag(BYTES_FIELD, WireType.LengthDelimited);
      writer.bytes(typeof element === 'string' ? Buffer.from(element) : element);
    }
    return writer.finish();
  }
  writer.tag(kinds[tensor.datatype].field, WireType.LengthDelimited).fork();
  switch (tensor.datatype) {
    case 'FP32':
    case 'FP64':
      writer.raw(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
      break;
    case 'INT64':
      for (const value of tensor.data) writer.int64(value);
      break;
    case 'UINT64':
      for (const value of tensor.data) writer.uint64(value);
      break;
    case 'INT8':
    case 'INT16':
    case 'INT32':
      for (const value of tensor.data) writer.int32(value);
      break;
    default:
      for (const value of tensor.data) writer.uint32(value);
  }
  return writer.join().finish();
}

function kind(field: number, label: string, bytes: number, wire: WireType, put: Put): Kind {
  return { field, label, bytes, wire, put };
}

function isTyped(datatype: string): datatype is Typed {
  return Object.hasOwn(kinds, datatype);
}

/** False for a field that a later edition of the protocol may have. */
function isField(name: string, { no }: Field, field: number, expected: string): boolean {
  if (no === field || no > BYTES_FIELD) return no === field;
  throw new GlowplugError('INPUT_TENSOR', `input ${shorten(name)}: expected ${expected}, got those of another type`);
}

/** Steps over a packed field. @param bytes of an element; undefined: each ends with a byte below 128 */
function packed({ type, reader }: Field, bytes: number | undefined): { count: number } {
  if (type !== WireType.LengthDelimited) throw badMessage('elements of their own wire type', `wire type ${type}`);
  const inside = reader.bytes();
  if (bytes !== undefined) {
    if (inside.byteLength % bytes !== 0) throw badMessage(`elements of ${bytes} bytes`, `${inside.byteLength} bytes`);
    return { count: inside.byteLength / bytes };
  }
  let count = 0;
  for (let at = 0; at < inside.length; at++) if (inside[at]! < 128) count++;
  if (inside.length > 0 && inside.at(-1)! >= 128) throw badMessage('whole elements', 'one that is cut off');
  return { count };
}

function readElements(name: string, parts: readonly Uint8Array[], most: number): Uint8Array {
  let bytes = 0;
  const each = (visit: (element: Uint8Array) => void) => {
    for (const part of parts) {
      eachField(part, (found) => {
        if (!isField(name, found, BYTES_FIELD, 'bytes_contents for BYTES')) return false;
        if (found.type !== WireType.LengthDelimited) throw badMessage('bytes', `wire type ${found.type}`);
        visit(found.reader.bytes());
        return true;
      });
    }
  };
  each((element) => {
    bytes += 4 + element.byteLength;
  });
  checkSize(name, bytes, most);
  const data = new Uint8Array(bytes);
  const view = new DataView(data.buffer);
  let at = 0;
  each((element) => {
    view.setUint32(at, element.byteLength, true);
    data.set(element, at + 4);
    at += 4 + element.byteLength;
  });
  return data;
}

function within(value: number, least: number, most: number, name: string): number {
  if (value >= least && value <= most) return value;
  throw new GlowplugError(
    'INPUT_TENSOR',
    `input ${shorten(name)}: expected elements from ${least} to ${most}, got ${value}`,
  );
}

function checkSize(name: string, bytes: number, most: number): void {
  if (bytes <= most) return;
  throw new GlowplugError(
    'INPUT_TOO_LARGE',
    `input ${shorten(name)}: expected at most ${most} bytes of elements, got ${bytes}`,
  );
}
