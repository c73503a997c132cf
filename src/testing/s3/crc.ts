// The cyclic redundancy checks that node:zlib lacks (CRC-32C, CRC-64/NVME), and joining checks of parts to one of all.

/** Bit-reflected polynomials. */
const polynomials = { CRC32: 0xedb88320n, CRC32C: 0x82f63b78n, CRC64NVME: 0x9a6c9329ac4bc9b5n } as const;
const widths = { CRC32: 32n, CRC32C: 32n, CRC64NVME: 64n } as const;
export type CrcName = keyof typeof polynomials;

/** Continues `value` (0 at the start) over `data`; unsigned. */
export function crc32c(data: Uint8Array, value: number): number {
  const { low } = tableOf('CRC32C');
  let crc = ~value;
  for (let i = 0; i < data.length; i++) crc = low[(crc ^ data[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** CRC-64/NVME as two unsigned halves, since BigInt arithmetic a byte would be a hundred times slower. */
export interface Crc64 {
  high: number;
  low: number;
}

export function crc64nvme(data: Uint8Array, value: Crc64): Crc64 {
  const table = tableOf('CRC64NVME');
  let high = ~value.high;
  let low = ~value.low;
  for (let i = 0; i < data.length; i++) {
    const index = (low ^ data[i]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ table.low[index]!;
    high = (high >>> 8) ^ table.high[index]!;
  }
  return { high: ~high >>> 0, low: ~low >>> 0 };
}

/** The check of A followed by B from the checks of A and of B alone, where B has `length` bytes. */
export function crcCombine(name: CrcName, a: bigint, b: bigint, length: number): bigint {
  return multiply(name, power(name, BigInt(length) * 8n), a) ^ b;
}

interface Table {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

const tables = new Map<CrcName, Table>();

function tableOf(name: CrcName): Table {
  const known = tables.get(name);
  if (known) return known;
  const table = { high: new Uint32Array(256), low: new Uint32Array(256) };
  for (let i = 0; i < 256; i++) {
    let crc = BigInt(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomials[name] : crc >> 1n;
    table.high[i] = Number(crc >> 32n);
    table.low[i] = Number(crc & 0xffffffffn);
  }
  tables.set(name, table);
  return table;
}

/** a · b modulo the polynomial; the highest bit stands for x⁰, as checks are stored reflected. */
function multiply(name: CrcName, a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let bit = 1n << (widths[name] - 1n); bit > 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= b;
    b = (b & 1n) === 1n ? (b >> 1n) ^ polynomials[name] : b >> 1n;
  }
  return product;
}

/** x^exponent modulo the polynomial. */
function power(name: CrcName, exponent: bigint): bigint {
  let square = 1n << (widths[name] - 2n);
  let result = 1n << (widths[name] - 1n);
  for (; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = multiply(name, result, square);
    square = multiply(name, square, square);
  }
  return result;
}
