// PutObject, GetObject, HeadObject, DeleteObject: each one change, or one look, at a key's record.
import { randomUUID } from 'node:crypto';
import { receiveFile } from './body.ts';
import type { Bucket } from './bucket.ts';
import { checksumHeader } from './checksums.ts';
import { checkRead, checkWrite } from './conditional.ts';
import { S3Error } from './errors.ts';
import { current, type KeyRecord, type Version } from './record.ts';
import type { S3Request } from './request.ts';
import { checksumHeaders, cut, type S3Response, select, versionHeaders } from './response.ts';
import { responseOverrides, storedHeaders } from './stored-headers.ts';
import { type NewVersion, withoutVersion, withVersion } from './versions.ts';

export async function putObject(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const headers = storedHeaders(request.headers);
  await precheck(bucket, request);
  const file = randomUUID();
  const { size, md5, checksum } = await receiveFile(request, bucket.dataPath(file));
  const version = await commit(bucket, request, {
    lastModified: request.now.getTime(),
    etag: md5,
    size,
    segments: [{ file, size }],
    headers,
    ...(checksum ? { checksum } : {}),
  });
  return { status: 200, headers: writtenHeaders(bucket, version) };
}

/** Fails early where a condition cannot hold, before gigabytes travel; `commit` decides. */
export async function precheck(bucket: Bucket, request: S3Request): Promise<void> {
  const { release } = await bucket.read(request.key, (record) => {
    checkWrite(request.headers, current(record));
    return { segments: [] };
  });
  release();
}

/** Makes data files that are already on disk the newest version of the key, if the conditions hold. They go if not. */
export async function commit(bucket: Bucket, request: S3Request, version: NewVersion): Promise<Version> {
  try {
    return await bucket.update(request.key, async (record) => {
      const before = current(record);
      // `precheck` found an object to match: a delete came between, which S3 answers with 409, not 404.
      if (!before && request.headers['if-match'] !== undefined) throw new S3Error('ConditionalRequestConflict');
      checkWrite(request.headers, before);
      const next = withVersion(record, request.key, version, bucket.facts.versioning);
      return { record: next, result: next.versions[0] };
    });
  } catch (error) {
    bucket.discard(version.segments.map((segment) => segment.file));
    throw error;
  }
}

function writtenHeaders(bucket: Bucket, version: Version): Record<string, string> {
  return {
    etag: `"${version.etag}"`,
    ...checksumHeaders(version),
    ...(bucket.facts.versioning ? { 'x-amz-version-id': version.versionId } : {}),
  };
}

export async function getObject(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const { headers, query, key } = request;
  const overrides = responseOverrides(query);
  const { picked, release } = await bucket.read(key, (record) => pick(bucket, record, query.get('versionId')));
  try {
    const all = { ...versionHeaders(picked, bucket.facts.versioning !== undefined), ...overrides };
    if (checkRead(headers, picked) === 'not-modified') {
      release();
      const { 'content-type': _type, 'accept-ranges': _ranges, ...kept } = all;
      return { status: 304, headers: kept };
    }
    const { range, part } = select(picked, headers, query.get('partNumber'));
    const { first, last } = range ?? { first: 0, last: picked.size - 1 };
    const body =
      request.method === 'HEAD' ? undefined : cut(picked.segments, { first, last }, (file) => bucket.dataPath(file));
    if (!body) release();
    return {
      status: range || part ? 206 : 200,
      headers: {
        ...all,
        'content-length': String(last - first + 1),
        ...(range ? { 'content-range': `bytes ${first}-${last}/${picked.size}` } : {}),
        ...(part && picked.etag.includes('-') ? { 'x-amz-mp-parts-count': String(picked.segments.length) } : {}),
        ...(headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED' ? readChecksum(picked, range, part) : {}),
      },
      ...(body ? { body: { pieces: body, release } } : {}),
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The checksum of exactly the bytes that are sent, where it is known: of all of them, or of one part. */
function readChecksum(version: Version, range: unknown, part: { readonly checksum?: string } | undefined) {
  if (part?.checksum !== undefined && version.checksum) {
    return {
      [checksumHeader(version.checksum.algorithm)]: part.checksum,
      'x-amz-checksum-type': version.checksum.type,
    };
  }
  return range ? {} : checksumHeaders(version);
}

/** Throws NoSuchKey, NoSuchVersion, and MethodNotAllowed for a delete marker that was named. */
export function pick(bucket: Bucket, record: KeyRecord | undefined, versionId: string | undefined): Version {
  const version = versionId === undefined ? record?.versions[0] : find(record, versionId);
  if (version && !version.deleteMarker) return version;
  if (versionId !== undefined && !version)
    throw new S3Error('NoSuchVersion', { fields: { VersionId: versionId.slice(0, 64) } });
  const marker =
    version && bucket.facts.versioning ? { 'x-amz-delete-marker': 'true', 'x-amz-version-id': version.versionId } : {};
  if (versionId === undefined) throw new S3Error('NoSuchKey', { headers: marker });
  throw new S3Error('MethodNotAllowed', { headers: { ...marker, allow: 'DELETE' } });
}

export async function deleteObject(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const deleted = await deleteKey(bucket, request.key, request.query.get('versionId'), request);
  return { status: 204, headers: deletedHeaders(bucket, deleted) };
}

/** Deleting what is not there is no error, as in S3, but for If-Match. */
export async function deleteKey(
  bucket: Bucket,
  key: string,
  versionId: string | undefined,
  { headers, now }: Pick<S3Request, 'headers' | 'now'>,
): Promise<Version | undefined> {
  return bucket.update(key, async (before) => {
    const target = versionId === undefined ? current(before) : find(before, versionId);
    const ifMatch = headers['if-match'];
    if (ifMatch !== undefined) checkWrite({ 'if-match': ifMatch }, target);
    const { record, version } = withoutVersion(before, key, versionId, bucket.facts.versioning, now.getTime());
    return { record, result: version };
  });
}

function find(record: KeyRecord | undefined, versionId: string): Version | undefined {
  return record?.versions.find((version) => version.versionId === versionId);
}

function deletedHeaders(bucket: Bucket, version: Version | undefined): Record<string, string> {
  if (!bucket.facts.versioning || !version) return {};
  return {
    'x-amz-version-id': version.versionId,
    ...(version.deleteMarker ? { 'x-amz-delete-marker': 'true' } : {}),
  };
}
