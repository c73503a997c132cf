// Protobuf messages field by field, on Buf's reader: nothing is kept that the caller does not keep.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { GlowplugError } from '../core/errors.ts';

export { BinaryWriter, WireType };

/** One field: the reader stands before its value. */
export interface Field {
  readonly no: number;
  readonly type: WireType;
  readonly reader: BinaryReader;
}

/** Reads a field's value and says true, or leaves it: what is not known is skipped, as protobuf has it. */
export type Visit = (field: Field) => boolean;

/** @throws GlowplugError INPUT_MESSAGE for bytes that are no protobuf, and for text that is not UTF-8 */
export function eachField(bytes: Uint8Array, visit: Visit): void {
  const reader = new BinaryReader(bytes, strictUtf8);
  try {
    while (reader.pos < reader.len) {
      const [no, type] = reader.tag();
      if (!visit({ no, type, reader })) reader.skip(type, no);
      if (reader.pos > reader.len) throw new RangeError('it ends within a field');
    }
  } catch (cause) {
    if (cause instanceof GlowplugError) throw cause;
    throw badMessage('a protobuf message, whole', cause instanceof Error ? cause.message : 'other bytes', cause);
  }
}

/** Fields 1 and 2 as text, and 2 as a flag: every request of the protocol but ModelInfer has no more. */
export function readNames(bytes: Uint8Array): { first: string; second: string; flag: boolean } {
  const read = { first: '', second: '', flag: false };
  eachField(bytes, ({ no, type, reader }) => {
    if (no === 1 && type === WireType.LengthDelimited) read.first = reader.string();
    else if (no === 2 && type === WireType.LengthDelimited) read.second = reader.string();
    else if (no === 2 && type === WireType.Varint) read.flag = reader.bool();
    else return false;
    return true;
  });
  return read;
}

export function badMessage(expected: string, got: string, cause?: unknown): GlowplugError {
  return new GlowplugError('INPUT_MESSAGE', `expected ${expected}, got ${got}`, { cause });
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function strictUtf8(bytes: Uint8Array): string {
  return strict.decode(bytes);
}
