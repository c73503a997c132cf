// What an operation answers, and the headers that say what an object is.

import { checksumHeader } from './checksums.ts';
import { S3Error } from './errors.ts';
import { type ByteRange, parseRange } from './range.ts';
import type { Segment, Version } from './record.ts';
import type { XmlNode } from './xml.ts';

export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** XML, or bytes of data files. */
  readonly body?: string | DataBody;
}

export interface DataBody {
  readonly pieces: readonly DataPiece[];
  /** Must be called once the bytes were sent or will not be. */
  release(): void;
}

export interface DataPiece extends ByteRange {
  readonly path: string;
}

export function xmlResponse(body: string, headers: S3Response['headers'] = {}): S3Response {
  return { status: 200, headers, body };
}

/** Headers of a version, those of the checksum only where the whole version is sent (S3 has none for a range). */
export function versionHeaders(version: Version, versioned: boolean): Record<string, string> {
  return {
    'content-type': 'binary/octet-stream',
    ...version.headers,
    etag: `"${version.etag}"`,
    'last-modified': new Date(version.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    ...(versioned ? { 'x-amz-version-id': version.versionId } : {}),
  };
}

export function checksumHeaders(version: Pick<Version, 'checksum'>): Record<string, string> {
  const { checksum } = version;
  if (!checksum) return {};
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** The same as elements of an XML answer. */
export function checksumElements(checksum: Version['checksum']): XmlNode[] {
  if (!checksum) return [];
  return [
    [`Checksum${checksum.algorithm}`, checksum.value],
    ['ChecksumType', checksum.type],
  ];
}

/** The part of the data files that holds bytes `first` to `last` of all of them. */
export function cut(
  segments: readonly Segment[],
  { first, last }: ByteRange,
  path: (file: string) => string,
): DataPiece[] {
  const pieces: DataPiece[] = [];
  let start = 0;
  for (const { file, size } of segments) {
    const from = Math.max(first - start, 0);
    const to = Math.min(last - start, size - 1);
    if (from <= to) pieces.push({ path: path(file), first: from, last: to });
    start += size;
  }
  return pieces;
}

export interface Selection {
  /** undefined: all of it. */
  readonly range: ByteRange | undefined;
  /** The part that PartNumber asked for. */
  readonly part: Segment | undefined;
}

/** Throws InvalidRange, InvalidPartNumber, InvalidRequest. */
export function select(version: Version, headers: Readonly<Record<string, string>>, partNumber?: string): Selection {
  if (partNumber !== undefined) {
    if (headers['range'] !== undefined) {
      throw new S3Error('InvalidRequest', { message: 'Range and partNumber cannot be used together' });
    }
    return selectPart(version, partNumber);
  }
  const ifRange = headers['if-range'];
  if (ifRange !== undefined && ifRange !== `"${version.etag}"`) return { range: undefined, part: undefined };
  return { range: parseRange(headers['range'], version.size), part: undefined };
}

function selectPart({ segments, size }: Version, partNumber: string): Selection {
  if (!/^\d{1,5}$/.test(partNumber) || Number(partNumber) < 1 || Number(partNumber) > 10_000) {
    throw new S3Error('InvalidArgument', { message: 'partNumber must be a whole number from 1 to 10000' });
  }
  const index = Number(partNumber) - 1;
  const part = segments[index];
  if (!part) throw new S3Error('InvalidPartNumber', { fields: { PartNumberRequested: partNumber } });
  const first = segments.slice(0, index).reduce((sum, segment) => sum + segment.size, 0);
  return { range: size === 0 ? undefined : { first, last: first + part.size - 1 }, part };
}
