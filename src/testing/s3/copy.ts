// CopyObject: a new version from another key's bytes, which on one disk are linked, not copied.
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, link, open, rm } from 'node:fs/promises';
import { decodeForm } from '../sigv4-canonical.ts';
import { type Bucket, bucketOf } from './bucket.ts';
import { type Algorithm, hasher, toAlgorithm } from './checksums.ts';
import { checkRead } from './conditional.ts';
import { S3Error, systemCode } from './errors.ts';
import { commit, pick, precheck } from './objects.ts';
import type { Segment, Version } from './record.ts';
import type { S3Request } from './request.ts';
import { checksumElements, cut, type S3Response, xmlResponse } from './response.ts';
import { readPieces } from './send.ts';
import { storedHeaders } from './stored-headers.ts';
import { s3Namespace, xml } from './xml.ts';

export async function copyObject(
  buckets: ReadonlyMap<string, Bucket>,
  bucket: Bucket,
  request: S3Request,
): Promise<S3Response> {
  const { headers, key } = request;
  const source = readSource(headers['x-amz-copy-source'] ?? '');
  const from = bucketOf(buckets, source.bucket);
  const replaces = readDirective(headers['x-amz-metadata-directive']);
  const given = storedHeaders(headers);
  if (from === bucket && source.key === key && !replaces && source.versionId === undefined) {
    throw new S3Error('InvalidRequest', { message: 'a copy onto itself must replace the metadata' });
  }
  await precheck(bucket, request);
  const { picked, release } = await from.read(source.key, (record) => pick(from, record, source.versionId));
  try {
    checkRead(headers, picked, 'x-amz-copy-source-');
    const bytes = await duplicate(from, bucket, picked, readAlgorithm(headers['x-amz-checksum-algorithm']));
    const version = await commit(bucket, request, {
      ...bytes,
      size: picked.size,
      lastModified: request.now.getTime(),
      headers: replaces ? given : picked.headers,
    });
    const { checksum } = version;
    return xmlResponse(
      xml(
        'CopyObjectResult',
        [
          ['LastModified', new Date(version.lastModified).toISOString()],
          ['ETag', `"${version.etag}"`],
          ...checksumElements(checksum),
        ],
        s3Namespace,
      ),
      {
        ...(bucket.facts.versioning ? { 'x-amz-version-id': version.versionId } : {}),
        ...(from.facts.versioning ? { 'x-amz-copy-source-version-id': picked.versionId } : {}),
      },
    );
  } finally {
    release();
  }
}

type Bytes = Pick<Version, 'etag' | 'checksum' | 'segments'>;

/** Links what is one file already; joins parts, since a copy is one object with an MD5 of its own. */
async function duplicate(from: Bucket, to: Bucket, version: Version, asked: Algorithm | undefined): Promise<Bytes> {
  const file = randomUUID();
  const [only, ...others] = version.segments;
  const { checksum } = version;
  if (only && others.length === 0 && !version.etag.includes('-') && (!asked || asked === checksum?.algorithm)) {
    await linkOrCopy(from.dataPath(only.file), to.dataPath(file));
    return { etag: version.etag, segments: [{ file, size: only.size }], ...(checksum ? { checksum } : {}) };
  }
  return join(from, to, file, version, asked ?? checksum?.algorithm);
}

async function join(
  from: Bucket,
  to: Bucket,
  file: string,
  { segments, size }: Version,
  algorithm: Algorithm | undefined,
): Promise<Bytes> {
  const md5 = createHash('md5');
  const checksum = algorithm && hasher(algorithm);
  const output = await open(to.dataPath(file), 'wx');
  try {
    for await (const bytes of readPieces(cut(segments, { first: 0, last: size - 1 }, (one) => from.dataPath(one)))) {
      md5.update(bytes);
      checksum?.update(bytes);
      await output.writeFile(bytes);
    }
  } catch (error) {
    await rm(to.dataPath(file), { force: true });
    throw error;
  } finally {
    await output.close();
  }
  const whole: readonly Segment[] = [{ file, size }];
  if (!algorithm || !checksum) return { etag: md5.digest('hex'), segments: whole };
  const value = checksum.digest().toString('base64');
  return { etag: md5.digest('hex'), segments: whole, checksum: { algorithm, type: 'FULL_OBJECT', value } };
}

/** Data files never change, so two names for one file are as good as two files. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOSPC') throw error;
    await copyFile(from, to);
  }
}

/** `/bucket/key?versionId=…`, percent-encoded, with or without the first slash. */
function readSource(header: string): { bucket: string; key: string; versionId?: string } {
  const match = /^\/?([^/?]+)\/([^?]+)(?:\?versionId=([^&]+))?$/.exec(header);
  const invalid = () => new S3Error('InvalidArgument', { message: 'x-amz-copy-source must read bucket/key, encoded' });
  if (!match) throw invalid();
  try {
    const [bucket, key, versionId] = match.slice(1).map((part) => (part === undefined ? part : decodeForm(part)));
    return { bucket: bucket!, key: key!, ...(versionId === undefined ? {} : { versionId }) };
  } catch {
    throw invalid();
  }
}

/** Whether the copy's own headers replace those of the source. */
function readDirective(directive: string | undefined): boolean {
  if (directive !== undefined && directive !== 'COPY' && directive !== 'REPLACE') {
    throw new S3Error('InvalidArgument', { message: 'x-amz-metadata-directive must be COPY or REPLACE' });
  }
  return directive === 'REPLACE';
}

function readAlgorithm(text: string | undefined): Algorithm | undefined {
  const algorithm = toAlgorithm(text ?? '');
  if (text !== undefined && !algorithm) {
    throw new S3Error('InvalidRequest', {
      message: 'x-amz-checksum-algorithm must be CRC32, CRC32C, CRC64NVME, SHA1 or SHA256',
    });
  }
  return algorithm;
}
