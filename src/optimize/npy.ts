// NumPy's own files: one array (.npy), or several by name (.npz, a ZIP of them).
import { inflateRawSync } from 'node:zlib';
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Datatype } from '../core/signature.ts';
import { elementCount, type Tensor } from '../tensor/tensor.ts';

/** NumPy's names of little-endian types; how each is held is `Elements`' matter. */
const types: Readonly<Record<string, readonly [Datatype, new (buffer: ArrayBuffer) => ArrayBufferView]>> = {
  '<f4': ['FP32', Float32Array],
  '<f8': ['FP64', Float64Array],
  '<f2': ['FP16', Uint16Array],
  '<i8': ['INT64', BigInt64Array],
  '<i4': ['INT32', Int32Array],
  '<i2': ['INT16', Int16Array],
  '|i1': ['INT8', Int8Array],
  '|u1': ['UINT8', Uint8Array],
  '<u2': ['UINT16', Uint16Array],
  '<u4': ['UINT32', Uint32Array],
  '<u8': ['UINT64', BigUint64Array],
  '|b1': ['BOOL', Uint8Array],
};

/** @throws GlowplugError INPUT_TENSOR */
export function parseNpy(bytes: Uint8Array, what: string): Tensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = Buffer.from(bytes.subarray(0, 6)).toString('latin1');
  if (magic !== '\x93NUMPY' || bytes.length < 12) throw wrong(what, 'a .npy file of NumPy', 'something else');
  const wide = view.getUint8(6) >= 2;
  const start = wide ? 12 : 10;
  const end = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = Buffer.from(bytes.subarray(start, end)).toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const type = types[descr];
  if (!type) throw wrong(what, 'little-endian numbers or booleans', descr || 'no type');
  if (!/'fortran_order':\s*False/.test(header)) {
    throw wrong(what, 'an array in C order', 'one in Fortran order; save numpy.ascontiguousarray(x)');
  }
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
    .map(Number);
  const [datatype, View] = type;
  // A copy: the data begin where the header ends, which need not suit the type.
  const data = new View(new Uint8Array(bytes.subarray(end)).buffer);
  const length = 'length' in data ? Number(data.length) : 0;
  if (elementCount(shape) !== length)
    throw wrong(what, `${elementCount(shape)} elements for shape ${shorten(shape)}`, `${length}`);
  // The table pairs type and array as Elements does.
  return { datatype, shape, data } as unknown as Tensor;
}

/** @throws GlowplugError INPUT_TENSOR */
export function parseNpz(bytes: Uint8Array, what: string, maxBytes: number): Record<string, Tensor> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The end record is the last; a comment behind it, of up to 64 KB, is nothing that NumPy writes.
  const end = buffer.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  if (end < 0 || end + 22 > buffer.length) throw wrong(what, 'a .npz file of NumPy', 'something else, or one cut off');
  const tensors: Record<string, Tensor> = {};
  let at = buffer.readUInt32LE(end + 16);
  let room = maxBytes;
  for (let entry = 0; entry < buffer.readUInt16LE(end + 10); entry++) {
    if (at + 46 > buffer.length || buffer.readUInt32LE(at) !== 0x02014b50)
      throw wrong(what, 'a whole ZIP directory', 'a damaged one');
    const [method, packed] = [buffer.readUInt16LE(at + 10), buffer.readUInt32LE(at + 20)];
    const [nameLength, extra, comment] = [
      buffer.readUInt16LE(at + 28),
      buffer.readUInt16LE(at + 30),
      buffer.readUInt16LE(at + 32),
    ];
    const name = buffer.toString('utf8', at + 46, at + 46 + nameLength);
    const local = buffer.readUInt32LE(at + 42);
    if (local + 30 > buffer.length) throw wrong(what, 'entries inside the file', `one at byte ${local}`);
    const from = local + 30 + buffer.readUInt16LE(local + 26) + buffer.readUInt16LE(local + 28);
    const body = unpack(buffer.subarray(from, from + packed), method, room, what);
    room -= body.length;
    tensors[name.replace(/\.npy$/, '')] = parseNpy(body, `${what}, ${shorten(name)}`);
    at += 46 + nameLength + extra + comment;
  }
  return tensors;
}

function unpack(body: Buffer, method: number, room: number, what: string): Uint8Array {
  if (method === 0) return body;
  if (method !== 8) throw wrong(what, 'entries that are stored or deflated', `method ${method}`);
  try {
    return inflateRawSync(body, { maxOutputLength: Math.max(1, room) });
  } catch (cause) {
    throw new GlowplugError(
      'INPUT_TENSOR',
      `${what}: expected arrays that unpack to at most ${room} bytes, got more or a damaged one`,
      { cause },
    );
  }
}

function wrong(what: string, expected: string, got: string): GlowplugError {
  return new GlowplugError('INPUT_TENSOR', `${what}: expected ${expected}, got ${shorten(got)}`, {
    remedy: 'Save inputs with numpy.save or numpy.savez as the model gets them.',
  });
}
