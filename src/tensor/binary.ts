// Tensors as bytes: little-endian, row-major, no padding; BOOL one byte; BYTES a u32 length and the bytes, each element.
import { shorten } from '../core/errors.ts';
import type { Datatype } from '../core/signature.ts';
import { readHead, wrongTensor } from './head.ts';
import type { Elements, Tensor } from './tensor.ts';

type Fixed = Exclude<Datatype, 'BYTES'>;

const arrays: {
  readonly [D in Fixed]: {
    new (buffer: ArrayBufferLike, offset: number, length: number): Elements[D];
    readonly BYTES_PER_ELEMENT: number;
  };
} = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
};

/**
 * The tensor whose elements are exactly `bytes`: a view of them where they lie aligned, else a copy.
 *
 * @throws GlowplugError INPUT_TENSOR naming the tensor, what was expected and what came.
 */
export function decodeBinary(name: string, datatypeName: unknown, dimensions: unknown, bytes: Uint8Array): Tensor {
  const { datatype, shape, count } = readHead(name, datatypeName, dimensions);
  if (datatype === 'BYTES') return { datatype, shape, data: readElements(name, count, bytes) };
  const { [datatype]: array } = arrays;
  const size = array.BYTES_PER_ELEMENT;
  if (bytes.byteLength !== count * size) {
    throw wrongTensor(
      name,
      `expected ${count * size} bytes for ${datatype} of shape ${shorten(shape)}`,
      bytes.byteLength,
    );
  }
  if (datatype === 'BOOL') checkBooleans(name, bytes);
  // Not .slice(): of a Buffer that is no copy.
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  // The array was chosen by the datatype: the seam where TypeScript cannot see the pair.
  return { datatype, shape, data: new array(buffer, byteOffset, count) } as Tensor;
}

export function elementBytes(datatype: Fixed): number {
  return arrays[datatype].BYTES_PER_ELEMENT;
}

/** The elements as bytes; a view of them, except for BYTES. */
export function encodeBinary(tensor: Tensor): Uint8Array {
  if (tensor.datatype === 'BYTES') return writeElements(tensor.data);
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/** Text where the bytes are UTF-8, else the bytes themselves. */
export function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes;
  }
}

/** Keeps a byte order mark: it is part of what was sent. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function checkBooleans(name: string, bytes: Uint8Array): void {
  const at = bytes.findIndex((byte) => byte > 1);
  if (at >= 0) throw wrongTensor(`${name}[${at}]`, 'expected the byte 0 or 1 for BOOL', bytes[at]);
}

function readElements(name: string, count: number, bytes: Uint8Array): (string | Uint8Array)[] {
  // Each element takes four bytes or more: what is not there is not allocated for.
  if (count * 4 > bytes.byteLength) {
    throw wrongTensor(
      name,
      `expected ${count} elements, each a length of 4 bytes and its bytes,`,
      `${bytes.byteLength} bytes`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: (string | Uint8Array)[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const start = at + 4;
    const end = start <= bytes.byteLength ? start + view.getUint32(at, true) : start;
    if (end > bytes.byteLength) {
      throw wrongTensor(
        `${name}[${i}]`,
        'expected a length of 4 bytes and as many bytes as it says',
        `${bytes.byteLength - at} bytes`,
      );
    }
    elements.push(textOrBytes(bytes.subarray(start, end)));
    at = end;
  }
  if (at !== bytes.byteLength)
    throw wrongTensor(name, `expected ${count} elements, then the end`, `${bytes.byteLength - at} bytes more`);
  return elements;
}

function writeElements(elements: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = elements.flatMap((element) => {
    const bytes = typeof element === 'string' ? Buffer.from(element) : element;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.byteLength);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}
