// Writes NumPy's .npz: a ZIP of arrays that are stored as they are, since weights and logits hardly compress.
import { crc32 } from 'node:zlib';
import { GlowplugError } from '../core/errors.ts';
import type { Datatype } from '../core/signature.ts';
import type { Tensor, Tensors } from '../tensor/tensor.ts';

const types: Readonly<Record<Exclude<Datatype, 'BYTES'>, string>> = {
  BOOL: '|b1',
  UINT8: '|u1',
  UINT16: '<u2',
  UINT32: '<u4',
  UINT64: '<u8',
  INT8: '|i1',
  INT16: '<i2',
  INT32: '<i4',
  INT64: '<i8',
  FP16: '<f2',
  FP32: '<f4',
  FP64: '<f8',
};

/**
 * The bytes of an .npz with an array for each tensor. The same tensors give the same bytes.
 *
 * @throws GlowplugError INPUT_TENSOR for text, which NumPy has no plain form for
 * @example
 * writeFileSync('sample.npz', writeNpz({ x: tensor('FP32', [1, 2], Float32Array.of(1, 2)) }));
 */
export function writeNpz(tensors: Tensors): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const file = Buffer.from(`${name}.npy`);
    const body = npy(name, tensor);
    const about = Buffer.alloc(26);
    // Version 2.0, names in UTF-8, stored, and the first day that ZIP knows: no clock goes in.
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(0x800, 2);
    about.writeUInt16LE(0x21, 8);
    about.writeUInt32LE(crc32(body), 10);
    about.writeUInt32LE(body.length, 14);
    about.writeUInt32LE(body.length, 18);
    about.writeUInt16LE(file.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    parts.push(Buffer.from('PK\x03\x04'), about, file, body);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), about, place, file);
    offset += 30 + file.length + body.length;
    if (offset > 2 ** 32 - 1) throw wrong(name, 'arrays of at most 4 GiB together');
  }
  const count = Object.keys(tensors).length;
  const end = Buffer.alloc(18);
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(
    directory.reduce((sum, { length }) => sum + length, 0),
    8,
  );
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}

function npy(name: string, { datatype, shape, data }: Tensor): Uint8Array {
  if (datatype === 'BYTES') throw wrong(name, 'numbers');
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${types[datatype]}', 'fortran_order': False, 'shape': (${lengths}), }`;
  // The data begin at a multiple of 64, ten bytes of magic and length included; the header ends with a line break.
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length);
  return Buffer.concat([
    magic,
    length,
    Buffer.from(padded, 'latin1'),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}

function wrong(name: string, expected: string): GlowplugError {
  return new GlowplugError('INPUT_TENSOR', `${name}: expected ${expected}`, {
    remedy: 'Leave that input or output out of what is written.',
  });
}
