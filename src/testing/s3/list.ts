// ListObjectsV2 and ListObjectVersions: pages of a bucket's keys.

import { uriEncode } from '../sigv4-canonical.ts';
import type { Bucket } from './bucket.ts';
import { S3Error } from './errors.ts';
import { current, type KeyRecord, type Version } from './record.ts';
import type { S3Request } from './request.ts';
import { type S3Response, xmlResponse } from './response.ts';
import { type WalkEntry, walk } from './walk.ts';
import { s3Namespace, type XmlNode, xml } from './xml.ts';

export async function listObjects(bucket: Bucket, { query }: S3Request): Promise<S3Response> {
  const page = readPage(query);
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after') ?? '';
  const after = token === undefined ? startAfter : readToken(token);
  const found: WalkEntry[] = [];
  for (const entry of walk(
    await bucket.index(),
    { ...page, after, resumes: token !== undefined },
    (record) => current(record) !== undefined,
  )) {
    found.push(entry);
    if (found.length > page.limit) break;
  }
  const truncated = page.limit > 0 && found.length > page.limit;
  const shown = found.slice(0, page.limit);
  return xmlResponse(
    xml(
      'ListBucketResult',
      [
        ['Name', bucket.name],
        ...pageNodes(page, truncated),
        ['KeyCount', shown.length],
        ['StartAfter', startAfter === '' ? undefined : page.encode(startAfter)],
        ['ContinuationToken', token],
        ['NextContinuationToken', truncated ? writeToken(shown.at(-1)!) : undefined],
        ...shown.flatMap((entry) => ('record' in entry ? [contents(entry.record, page.encode)] : [])),
        ...prefixNodes(shown, page.encode),
      ],
      s3Namespace,
    ),
  );
}

export async function listVersions(bucket: Bucket, { query }: S3Request): Promise<S3Response> {
  const page = readPage(query);
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('version-id-marker') ?? '';
  const index = await bucket.index();
  const begun = idMarker === '' ? undefined : index.at(index.position(keyMarker));
  const found: (WalkEntry | { readonly key: string; readonly version: Version; readonly isLatest: boolean })[] = [];
  const add = (record: KeyRecord, from: number) =>
    record.versions.forEach((version, at) => {
      if (at >= from) found.push({ key: record.key, version, isLatest: at === 0 });
    });
  if (begun?.key === keyMarker) add(begun, begun.versions.findIndex((one) => one.versionId === idMarker) + 1);
  for (const entry of walk(index, { ...page, after: keyMarker, resumes: true }, () => true)) {
    if ('record' in entry) add(entry.record, 0);
    else found.push(entry);
    if (found.length > page.limit) break;
  }
  const truncated = page.limit > 0 && found.length > page.limit;
  const shown = found.slice(0, page.limit);
  const last = truncated ? shown.at(-1) : undefined;
  return xmlResponse(
    xml(
      'ListVersionsResult',
      [
        ['Name', bucket.name],
        ...pageNodes(page, truncated),
        ['KeyMarker', page.encode(keyMarker)],
        ['VersionIdMarker', idMarker],
        ['NextKeyMarker', last && page.encode('key' in last ? last.key : 'prefix' in last ? last.prefix : '')],
        ['NextVersionIdMarker', last && 'version' in last ? last.version.versionId : undefined],
        ...shown.flatMap((entry) => ('version' in entry ? [versionNode(entry, page.encode)] : [])),
        ...prefixNodes(shown, page.encode),
      ],
      s3Namespace,
    ),
  );
}

interface Page {
  readonly prefix: string;
  readonly delimiter: string;
  readonly limit: number;
  readonly encode: (text: string) => string;
}

function readPage(query: ReadonlyMap<string, string>): Page {
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url') {
    throw new S3Error('InvalidArgument', { message: 'encoding-type must be url' });
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: readCount(query, 'max-keys'),
    encode: encoding === 'url' ? (text) => uriEncode(text).replaceAll('%2F', '/') : (text) => text,
  };
}

/** A thousand is the most that S3 answers at once, whatever was asked for. */
export function readCount(query: ReadonlyMap<string, string>, name: string): number {
  const text = query.get(name) ?? '1000';
  if (!/^\d{1,9}$/.test(text)) throw new S3Error('InvalidArgument', { message: `${name} must be a whole number` });
  return Math.min(Number(text), 1000);
}

function pageNodes({ prefix, delimiter, limit, encode }: Page, truncated: boolean): XmlNode[] {
  return [
    ['Prefix', encode(prefix)],
    ['Delimiter', delimiter === '' ? undefined : encode(delimiter)],
    ['MaxKeys', limit],
    ['IsTruncated', truncated],
  ];
}

function contents(record: KeyRecord, encode: (text: string) => string): XmlNode {
  return ['Contents', [['Key', encode(record.key)], ...versionNodes(record.versions[0])]];
}

function versionNode(
  { key, version, isLatest }: { key: string; version: Version; isLatest: boolean },
  encode: (text: string) => string,
): XmlNode {
  const who = [
    ['Key', encode(key)],
    ['VersionId', version.versionId],
    ['IsLatest', isLatest],
  ] as const;
  if (version.deleteMarker) {
    return ['DeleteMarker', [...who, ['LastModified', new Date(version.lastModified).toISOString()]]];
  }
  return ['Version', [...who, ...versionNodes(version)]];
}

function versionNodes({ lastModified, etag, size, checksum }: Version): XmlNode[] {
  return [
    ['LastModified', new Date(lastModified).toISOString()],
    ['ETag', `"${etag}"`],
    ['ChecksumAlgorithm', checksum?.algorithm],
    ['ChecksumType', checksum?.type],
    ['Size', size],
    ['StorageClass', 'STANDARD'],
  ];
}

function prefixNodes(shown: readonly object[], encode: (text: string) => string): XmlNode[] {
  return shown.flatMap((entry): XmlNode[] =>
    'prefix' in entry && typeof entry.prefix === 'string'
      ? [['CommonPrefixes', [['Prefix', encode(entry.prefix)]]]]
      : [],
  );
}

function writeToken(entry: WalkEntry): string {
  return Buffer.from('record' in entry ? entry.record.key : entry.prefix).toString('base64url');
}

function readToken(token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length === 0 || bytes.toString('base64url') !== token) {
    throw new S3Error('InvalidArgument', { message: 'the continuation token provided is incorrect' });
  }
  return bytes.toString();
}
