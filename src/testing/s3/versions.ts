// What a write or a delete makes of a key's record, with versioning off, on and suspended. Pure.
import { randomUUID } from 'node:crypto';
import type { VersioningStatus } from './bucket.ts';
import type { KeyRecord, Version } from './record.ts';

export type NewVersion = Omit<Version, 'versionId' | 'deleteMarker'>;

/** Versioning on: one more version. Off or suspended: the version named `null` is replaced. */
export function withVersion(
  record: KeyRecord | undefined,
  key: string,
  version: NewVersion & Pick<Version, 'deleteMarker'>,
  status: VersioningStatus,
): KeyRecord & { readonly versions: readonly [Version, ...Version[]] } {
  const versionId = status === 'Enabled' ? randomUUID().replaceAll('-', '') : 'null';
  const others = (record?.versions ?? []).filter((other) => other.versionId !== versionId);
  return { key, versions: [{ ...version, versionId }, ...others] };
}

export interface Deletion {
  readonly record: KeyRecord | undefined;
  /** The marker that was written, or the version that was removed. */
  readonly version: Version | undefined;
}

/** Without a version id and with versioning, a delete writes a marker and keeps every byte. */
export function withoutVersion(
  record: KeyRecord | undefined,
  key: string,
  versionId: string | undefined,
  status: VersioningStatus,
  now: number,
): Deletion {
  if (versionId === undefined && status !== undefined) {
    const marker = { lastModified: now, deleteMarker: true, etag: '', size: 0, segments: [], headers: {} } as const;
    const marked = withVersion(record, key, marker, status);
    return { record: marked, version: marked.versions[0] };
  }
  const gone = versionId ?? 'null';
  const [newest, ...older] = (record?.versions ?? []).filter((version) => version.versionId !== gone);
  const version = record?.versions.find((one) => one.versionId === gone);
  return { record: newest && { key, versions: [newest, ...older] }, version };
}
