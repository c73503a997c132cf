// What is kept about a key: one JSON record, replaced as a whole, that names data files which never change.
import type { Checksum } from './checksums.ts';

export interface Segment {
  /** Name of a data file of the bucket. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Base64, in the algorithm of the version's checksum; parts of a multipart upload have it. */
  readonly checksum?: string;
}

export interface Version {
  /** `null` is S3's own name for a version written while versioning was off. */
  readonly versionId: string;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  readonly deleteMarker?: true;
  /** Without quotes; ends in `-N` after a multipart upload of N parts. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
  readonly segments: readonly Segment[];
  /** Headers that come back on a read: content-type and its like, x-amz-meta-*. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: Checksum;
}

export interface KeyRecord {
  readonly key: string;
  /** Newest first; at least one. */
  readonly versions: readonly [Version, ...Version[]];
}

/** Damaged (a power cut, another program) counts as absent, so that the key can be written again. */
export function parseRecord(text: string | undefined): KeyRecord | undefined {
  const value = parseJson(text ?? '');
  return isRecord(value) ? value : undefined;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The object that a plain read answers; undefined when there is none or a delete marker hides it. */
export function current(record: KeyRecord | undefined): Version | undefined {
  const newest = record?.versions[0];
  return newest?.deleteMarker ? undefined : newest;
}

export function filesOf(record: KeyRecord | undefined): string[] {
  return (record?.versions ?? []).flatMap((version) => version.segments.map((segment) => segment.file));
}

function isRecord(value: unknown): value is KeyRecord {
  return isObject(value) && typeof value['key'] === 'string' && isNonEmptyArrayOf(value['versions'], isVersion);
}

function isVersion(value: unknown): value is Version {
  return (
    isObject(value) &&
    typeof value['versionId'] === 'string' &&
    typeof value['lastModified'] === 'number' &&
    typeof value['etag'] === 'string' &&
    typeof value['size'] === 'number' &&
    isObject(value['headers']) &&
    Array.isArray(value['segments']) &&
    value['segments'].every(isSegment)
  );
}

/** A data file's name is no path: a damaged record must not reach outside of the bucket. */
export function isSegment(value: unknown): value is Segment {
  return (
    isObject(value) &&
    typeof value['file'] === 'string' &&
    /^[0-9a-f-]{36}$/.test(value['file']) &&
    typeof value['size'] === 'number'
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isNonEmptyArrayOf<T>(value: unknown, is: (item: unknown) => item is T): value is [T, ...T[]] {
  return Array.isArray(value) && value.length > 0 && value.every(is);
}
