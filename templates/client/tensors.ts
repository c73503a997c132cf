// Part of clients of the Open Inference Protocol.
import type { Sent } from './send.ts';

/** How the elements of each type are held, row-major. FP16 holds the 16 bits; BOOL 0 or 1. */
export interface Elements {
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Uint16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  BYTES: readonly string[];
}

export type Datatype = keyof Elements;

export interface Tensor<D extends Datatype = Datatype, S extends readonly number[] = readonly number[]> {
  readonly shape: S;
  readonly data: Elements[D];
}

interface Head {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly parameters: { readonly binary_data_size: number };
}

/** JSON that says what the tensors are, then their bytes: exact for every type, and a third of what JSON takes. */
export function inferRequest(
  inputs: Readonly<Record<string, Tensor>>,
  datatypes: Readonly<Record<string, Datatype>>,
): Sent {
  const bytes = Object.entries(inputs).map(([name, { data, shape }]) => {
    const length = shape.reduce((product, dimension) => product * dimension, 1);
    if (length === data.length) return { name, shape, part: toBytes(data) };
    throw new TypeError(`${name}: expected ${length} elements for shape [${shape.join(', ')}], got ${data.length}`);
  });
  const heads = bytes.map(({ name, shape, part }) => ({
    name,
    shape,
    datatype: datatypes[name],
    parameters: { binary_data_size: part.byteLength },
  }));
  const json = new TextEncoder().encode(JSON.stringify({ parameters: { binary_data_output: true }, inputs: heads }));
  return {
    body: new Blob([json, ...bytes.map(({ part }) => part)]),
    type: 'application/octet-stream',
    headers: { 'inference-header-content-length': `${json.byteLength}` },
  };
}

export async function readTensors<T>(response: Response): Promise<T>;
export async function readTensors(response: Response): Promise<unknown> {
  const bytes = await response.arrayBuffer();
  // Past 6 MB the answer comes from S3, which gives headers of its own.
  const { headers } = response;
  const length =
    headers.get('inference-header-content-length') ?? headers.get('x-amz-meta-inference-header-content-length');
  const end = Number(length);
  const { outputs }: { outputs: readonly Head[] } = JSON.parse(new TextDecoder().decode(bytes.slice(0, end)));
  let at = end;
  return Object.fromEntries(
    outputs.map(({ name, datatype, shape, parameters }) => {
      const part = bytes.slice(at, at + parameters.binary_data_size);
      at += part.byteLength;
      return [name, { shape, data: datatype === 'BYTES' ? toStrings(part) : new arrays[datatype](part) }];
    }),
  );
}

const arrays = {
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

/** A copy, little-endian as every browser and server of today is. */
function toBytes(data: Elements[Datatype]): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const texts = data.map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + 4 + text.byteLength, 0));
  let at = 0;
  for (const text of texts) {
    new DataView(bytes.buffer).setUint32(at, text.byteLength, true);
    bytes.set(text, at + 4);
    at += 4 + text.byteLength;
  }
  return bytes;
}

function toStrings(bytes: ArrayBuffer): string[] {
  const view = new DataView(bytes);
  const texts: string[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const length = view.getUint32(at, true);
    texts.push(new TextDecoder().decode(bytes.slice(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return texts;
}
