// The five checksums of S3: computed while bytes pass, and joined for multipart uploads.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type CrcName, crc32c, crc64nvme, crcCombine } from './crc.ts';

export const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type Algorithm = (typeof algorithms)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface Checksum {
  readonly algorithm: Algorithm;
  readonly type: ChecksumType;
  /** Base64; a composite one ends in `-N`, the number of parts. */
  readonly value: string;
}

export interface Hasher {
  update(data: Uint8Array): void;
  digest(): Buffer;
}

export function hasher(algorithm: Algorithm): Hasher {
  if (algorithm === 'SHA1' || algorithm === 'SHA256') {
    const hash = createHash(algorithm);
    return { update: (data) => void hash.update(data), digest: () => hash.digest() };
  }
  if (algorithm === 'CRC64NVME') {
    let value = { high: 0, low: 0 };
    return {
      update: (data) => {
        value = crc64nvme(data, value);
      },
      digest: () =>
        Buffer.from([value.high, value.low].map((half) => half.toString(16).padStart(8, '0')).join(''), 'hex'),
    };
  }
  const step = algorithm === 'CRC32' ? (data: Uint8Array, value: number) => crc32(data, value) : crc32c;
  let value = 0;
  return {
    update: (data) => {
      value = step(data, value);
    },
    digest: () => Buffer.from(value.toString(16).padStart(8, '0'), 'hex'),
  };
}

/** `crc32` or `CRC32` → `CRC32`. */
export function toAlgorithm(text: string): Algorithm | undefined {
  return algorithms.find((algorithm) => algorithm === text.toUpperCase());
}

export function checksumHeader(algorithm: Algorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

export function isChecksumValue(algorithm: Algorithm, value: string): boolean {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === lengths[algorithm] && bytes.toString('base64') === value;
}

export interface PartChecksum {
  /** Base64. */
  readonly checksum: string;
  readonly size: number;
}

/** One checksum over all parts, from theirs: no byte is read again. SHA has no FULL_OBJECT. */
export function joinChecksums(algorithm: Algorithm, type: ChecksumType, parts: readonly PartChecksum[]): Checksum {
  const values = parts.map((part) => Buffer.from(part.checksum, 'base64'));
  if (type === 'COMPOSITE' || algorithm === 'SHA1' || algorithm === 'SHA256') {
    const whole = hasher(algorithm);
    for (const value of values) whole.update(value);
    return { algorithm, type: 'COMPOSITE', value: `${whole.digest().toString('base64')}-${parts.length}` };
  }
  const crc: CrcName = algorithm;
  const joined = values
    .map((value) => BigInt(`0x${value.toString('hex')}`))
    .reduce((whole, value, index) => crcCombine(crc, whole, value, parts[index]!.size), 0n);
  const hex = joined.toString(16).padStart(lengths[algorithm] * 2, '0');
  return { algorithm, type, value: Buffer.from(hex, 'hex').toString('base64') };
}

/** Bytes. */
const lengths: Readonly<Record<Algorithm, number>> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 };
