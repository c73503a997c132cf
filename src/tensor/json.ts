// Tensors in the Open Inference Protocol's JSON: `{ name, shape, datatype, data }`, data nested or flat, row-major.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Datatype } from '../core/signature.ts';
import { parseExactJson } from './exact-json.ts';
import { type Head, readHead, wrongTensor } from './head.ts';
import { isDeeperThan } from './json-depth.ts';
import type { Elements, Tensor } from './tensor.ts';
import { int64, isList, type List, uint64 } from './wholes.ts';

type Numeric = Exclude<Datatype, 'BOOL' | 'INT64' | 'UINT64' | 'FP16' | 'BYTES'>;

/** Array type, and the range of whole numbers; floats have none and take any finite number they can hold. */
const numeric: Record<
  Numeric,
  { make(length: number): Elements[Numeric]; range?: readonly [min: number, max: number] }
> = {
  UINT8: { make: (n) => new Uint8Array(n), range: [0, 0xff] },
  UINT16: { make: (n) => new Uint16Array(n), range: [0, 0xffff] },
  UINT32: { make: (n) => new Uint32Array(n), range: [0, 0xffffffff] },
  INT8: { make: (n) => new Int8Array(n), range: [-0x80, 0x7f] },
  INT16: { make: (n) => new Int16Array(n), range: [-0x8000, 0x7fff] },
  INT32: { make: (n) => new Int32Array(n), range: [-0x80000000, 0x7fffffff] },
  FP32: { make: (n) => new Float32Array(n) },
  FP64: { make: (n) => new Float64Array(n) },
};

/** The rank that `elementCount` allows, and the levels around the data of a request. */
const MAX_DEPTH = 40;

/**
 * One tensor out of a request that `parseTensorJson` read.
 *
 * @throws GlowplugError INPUT_TENSOR naming the tensor, what was expected and what came.
 */
export function decodeTensor(name: string, datatype: unknown, shape: unknown, data: unknown): Tensor {
  const head = readHead(name, datatype, shape);
  if (!isList(data)) throw wrongTensor(name, 'expected data as an array', data);
  const flat = isList(data[0]) ? flatten(name, data, head.shape) : data;
  if (flat.length !== head.count) {
    throw wrongTensor(name, `expected ${head.count} elements for shape ${shorten(head.shape)}`, flat.length);
  }
  return elements(name, head, flat);
}

/** The tensor as the protocol's JSON text; `JSON.stringify` would lose 64-bit digits and print NaN as null. */
export function encodeTensor(name: string, tensor: Tensor): string {
  return `${tensorHead(name, tensor)},"data":[${elementsText(name, tensor)}]}`;
}

/** The tensor's JSON up to its data: the object is left open. */
export function tensorHead(name: string, { datatype, shape }: Tensor): string {
  return `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`;
}

/**
 * `JSON.parse`, but beside 64-bit tensors whole numbers beyond 2⁵³ come exact (`parseExactJson`), and what nests deeper than a
 * request can is refused unparsed.
 *
 * @throws GlowplugError INPUT_JSON
 */
export function parseTensorJson(text: string): unknown {
  if (isDeeperThan(text, MAX_DEPTH)) {
    throw new GlowplugError('INPUT_JSON', `expected JSON of at most ${MAX_DEPTH} levels, got more`);
  }
  try {
    // Our own parser is slower: only for a text that names a 64-bit type and has a number that JSON.parse would round.
    return text.includes('INT64"') && /(?<![.\d])\d{16}/.test(text) ? parseExactJson(text) : JSON.parse(text);
  } catch (error) {
    throw new GlowplugError(
      'INPUT_JSON',
      `expected JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}`,
    );
  }
}

function elements(name: string, { datatype, shape }: Head, list: List): Tensor {
  if (datatype === 'INT64') return { datatype, shape, data: int64(name, list) };
  if (datatype === 'UINT64') return { datatype, shape, data: uint64(name, list) };
  const flat = Array.isArray(list) ? list : Array.from<unknown>(list);
  switch (datatype) {
    case 'BOOL':
      return { datatype, shape, data: booleans(name, flat) };
    case 'BYTES':
      return { datatype, shape, data: strings(name, flat) };
    case 'FP16':
      return { datatype, shape, data: halves(name, flat) };
    default:
      return numbers(name, datatype, shape, flat);
  }
}

function numbers(name: string, datatype: Numeric, shape: readonly number[], flat: readonly unknown[]): Tensor {
  const { make, range } = numeric[datatype];
  const data = make(flat.length);
  for (let i = 0; i < flat.length; i++) {
    const value = typeof flat[i] === 'bigint' ? Number(flat[i]) : flat[i];
    if (typeof value !== 'number') throw wrongTensor(`${name}[${i}]`, `expected a number for ${datatype}`, value);
    if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) {
      throw wrongTensor(
        `${name}[${i}]`,
        `expected a whole number from ${range[0]} to ${range[1]} for ${datatype}`,
        value,
      );
    }
    data[i] = value;
    if (!range && !Number.isFinite(data[i]))
      throw wrongTensor(`${name}[${i}]`, `expected a number that ${datatype} can hold`, value);
  }
  // The typed array was made for this datatype one line above: the one seam where TypeScript cannot see the pair.
  return { datatype, shape, data } as Tensor;
}

function booleans(name: string, flat: readonly unknown[]): Uint8Array {
  return Uint8Array.from(flat, (value, i) => {
    if (typeof value !== 'boolean') throw wrongTensor(`${name}[${i}]`, 'expected true or false for BOOL', value);
    return value ? 1 : 0;
  });
}

function strings(name: string, flat: readonly unknown[]): string[] {
  return flat.map((value, i) => {
    if (typeof value !== 'string') throw wrongTensor(`${name}[${i}]`, 'expected a string for BYTES', value);
    // Half a surrogate pair has no UTF-8: whatever takes the string on would put another character for it.
    if (!value.isWellFormed()) throw wrongTensor(`${name}[${i}]`, 'expected whole characters for BYTES', value);
    return value;
  });
}

function halves(name: string, flat: readonly unknown[]): Uint16Array {
  const data = new Float16Array(flat.length);
  for (const [i, value] of flat.entries()) {
    if (typeof value !== 'number') throw wrongTensor(`${name}[${i}]`, 'expected a number for FP16', value);
    data[i] = value;
    if (!Number.isFinite(data[i]))
      throw wrongTensor(`${name}[${i}]`, 'expected a number from -65504 to 65504 for FP16', value);
  }
  return new Uint16Array(data.buffer);
}

/** Nested data in row-major order; every level must have the length its dimension says. */
function flatten(name: string, nested: List, shape: readonly number[]): List {
  let level: readonly unknown[] = [nested];
  for (const [depth, length] of shape.entries()) {
    const next: unknown[] = [];
    for (const row of level) {
      if (!isList(row) || row.length !== length) {
        const got = isList(row) ? row.length : row;
        throw wrongTensor(name, `expected rows of ${length} at depth ${depth} of the nested data`, got);
      }
      // A batch of one is its only row.
      if (level.length === 1 && depth === shape.length - 1) return row;
      for (const value of row) next.push(value);
    }
    level = next;
  }
  return level;
}

function elementsText(name: string, tensor: Tensor): string {
  switch (tensor.datatype) {
    case 'BYTES':
      return tensor.data.map((text, at) => quoted(name, text, at)).join(',');
    case 'BOOL':
      return Array.from(tensor.data, (bit) => (bit ? 'true' : 'false')).join(',');
    case 'FP16':
      return finite(name, new Float16Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length)).join(',');
    case 'FP32':
    case 'FP64':
      return finite(name, tensor.data).join(',');
    default:
      return tensor.data.join(',');
  }
}

function quoted(name: string, text: string | Uint8Array, at: number): string {
  if (typeof text === 'string') return JSON.stringify(text);
  throw notJson(name, 'bytes that are not UTF-8', at);
}

function finite<T extends Float16Array | Float32Array | Float64Array>(name: string, data: T): T {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return data;
  throw notJson(name, `${data[at]}`, at);
}

function notJson(name: string, what: string, at: number): GlowplugError {
  return new GlowplugError(
    'OUTPUT_JSON',
    `output ${shorten(name)} holds ${what} at element ${at}, which JSON cannot carry`,
  );
}
