// The elements of INT64 and UINT64 out of JSON: within their range, and exact.
import { wrongTensor } from './head.ts';
import type { Wholes } from './whole-array.ts';

/** Data as the parsers give it: an array, or 64-bit elements where it held whole numbers beyond 2⁵³. */
export type List = readonly unknown[] | Wholes;

export function isList(value: unknown): value is List {
  return Array.isArray(value) || value instanceof BigInt64Array || value instanceof BigUint64Array;
}

const HALF = 2 ** 32;
const ranges = { INT64: [-(2n ** 63n), 2n ** 63n - 1n], UINT64: [0n, 2n ** 64n - 1n] } as const;

/** @throws GlowplugError INPUT_TENSOR naming the element */
export function int64(name: string, list: List): BigInt64Array {
  if (list instanceof BigInt64Array) return list;
  if (list instanceof BigUint64Array) throw beyond(name, 'INT64', list, (value) => value > ranges.INT64[1]);
  const data = new BigInt64Array(list.length);
  fill(name, 'INT64', list, data);
  return data;
}

/** @throws GlowplugError INPUT_TENSOR naming the element */
export function uint64(name: string, list: List): BigUint64Array {
  if (list instanceof BigUint64Array) return list;
  if (list instanceof BigInt64Array) {
    if (list.some((value) => value < 0n)) throw beyond(name, 'UINT64', list, (value) => value < 0n);
    return new BigUint64Array(list.buffer, list.byteOffset, list.length);
  }
  const data = new BigUint64Array(list.length);
  fill(name, 'UINT64', list, data);
  return data;
}

function fill(
  name: string,
  datatype: keyof typeof ranges,
  list: readonly unknown[],
  data: BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>,
): void {
  const [min, max] = ranges[datatype];
  // Numbers go in by halves: a BigInt for each is the slower way. The array keeps what is left of a number modulo 2³².
  const words = new Uint32Array(data.buffer);
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value === 'number' && Number.isSafeInteger(value) && (value >= 0 || datatype === 'INT64')) {
      words[2 * i] = value;
      words[2 * i + 1] = Math.floor(value / HALF);
    } else if (typeof value === 'bigint' && value >= min && value <= max) {
      data[i] = value;
    } else {
      throw outside(`${name}[${i}]`, datatype, value);
    }
  }
}

function beyond(name: string, datatype: keyof typeof ranges, list: Wholes, is: (value: bigint) => boolean) {
  const values = Array.from<bigint>(list);
  const at = values.findIndex(is);
  return outside(`${name}[${at}]`, datatype, values[at]);
}

function outside(where: string, datatype: keyof typeof ranges, value: unknown) {
  const [min, max] = ranges[datatype];
  return wrongTensor(where, `expected a whole number from ${min} to ${max} for ${datatype}`, value);
}
