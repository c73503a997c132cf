// What is asked of buckets themselves: create, list, delete, location, versioning.
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from './body.ts';
import { Bucket } from './bucket.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import { type S3Response, xmlResponse } from './response.ts';
import { childText, parseXml, s3Namespace, xml } from './xml.ts';

/** The buckets of one server: a map in memory, a folder each on disk. */
export interface Shelf {
  readonly buckets: Map<string, Bucket>;
  readonly folder: string;
  readonly tmp: string;
}

export async function createBucket(shelf: Shelf, request: S3Request): Promise<S3Response> {
  const name = request.bucket;
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', { fields: { BucketName: name.slice(0, 63) } });
  const location = await readLocation(request);
  const facts = { created: request.now.getTime(), ...(location === undefined ? {} : { location }) };
  const bucket = await Bucket.create(shelf.folder, name, shelf.tmp, facts);
  if (!bucket) throw new S3Error('BucketAlreadyOwnedByYou', { fields: { BucketName: name } });
  shelf.buckets.set(name, bucket);
  return { status: 200, headers: { location: `/${name}` } };
}

export function listBuckets({ buckets }: Shelf): S3Response {
  const sorted = [...buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return xmlResponse(
    xml(
      'ListAllMyBucketsResult',
      [
        ['Owner', [['ID', 'local']]],
        [
          'Buckets',
          sorted.map(({ name, facts }) => [
            'Bucket',
            [
              ['Name', name],
              ['CreationDate', new Date(facts.created).toISOString()],
            ],
          ]),
        ],
      ],
      s3Namespace,
    ),
  );
}

export async function deleteBucket(shelf: Shelf, bucket: Bucket): Promise<S3Response> {
  const index = await bucket.index();
  if (index.at(0) !== undefined) throw new S3Error('BucketNotEmpty', { fields: { BucketName: bucket.name } });
  shelf.buckets.delete(bucket.name);
  // Renamed first: a kill in the middle leaves a whole bucket or none.
  const grave = join(shelf.tmp, randomUUID());
  await rename(bucket.folder, grave);
  await rm(grave, { recursive: true, force: true });
  return { status: 204 };
}

export function headBucket(bucket: Bucket): S3Response {
  return { status: 200, headers: { 'x-amz-bucket-region': bucket.facts.location ?? 'us-east-1' } };
}

/** Empty for us-east-1, as history has it. */
export function getLocation(bucket: Bucket): S3Response {
  const constraint = bucket.facts.location ?? '';
  return xmlResponse(
    `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint${s3Namespace}>${constraint}</LocationConstraint>`,
  );
}

export function getVersioning(bucket: Bucket): S3Response {
  return xmlResponse(xml('VersioningConfiguration', [['Status', bucket.facts.versioning]], s3Namespace));
}

export async function putVersioning(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const document = parseXml(await readText(request, maxDocument));
  const status = document && childText(document, 'Status');
  if (document?.name !== 'VersioningConfiguration' || (status !== 'Enabled' && status !== 'Suspended')) {
    throw new S3Error('MalformedXML');
  }
  await bucket.setFacts({ ...bucket.facts, versioning: status });
  return { status: 200 };
}

const maxDocument = 64 * 1024;

async function readLocation(request: S3Request): Promise<string | undefined> {
  const text = await readText(request, maxDocument);
  if (text === '') return undefined;
  const document = parseXml(text);
  const location = document && childText(document, 'LocationConstraint');
  if (document?.name !== 'CreateBucketConfiguration') throw new S3Error('MalformedXML');
  if (location !== undefined && !/^[a-zA-Z0-9-]{0,40}$/.test(location)) throw new S3Error('MalformedXML');
  return location === '' ? undefined : location;
}

function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !/^\d+(\.\d+){3}$/.test(name);
}
