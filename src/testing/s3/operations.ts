// Which operation a request is for, from its method, its target and the parameters that name a sub-resource.
import { type Bucket, bucketOf } from './bucket.ts';
import {
  createBucket,
  deleteBucket,
  getLocation,
  getVersioning,
  headBucket,
  listBuckets,
  putVersioning,
  type Shelf,
} from './buckets.ts';
import { completeUpload } from './complete.ts';
import { copyObject } from './copy.ts';
import { deleteObjects } from './delete-objects.ts';
import { S3Error } from './errors.ts';
import { listObjects, listVersions } from './list.ts';
import { abortUpload, createUpload, listParts, listUploads, uploadPart } from './multipart.ts';
import { deleteObject, getObject, putObject } from './objects.ts';
import type { S3Request } from './request.ts';
import type { S3Response } from './response.ts';

/** Throws NotImplemented for what S3 has and this server does not: nothing is taken in silence. */
export async function operate(shelf: Shelf, request: S3Request): Promise<S3Response> {
  const { method, bucket: name, key } = request;
  if (name === '') {
    only(request, []);
    if (method !== 'GET') throw notAllowed('GET');
    return listBuckets(shelf);
  }
  if (key === '' && method === 'PUT' && !hasSubresource(request)) return createBucket(shelf, request);
  const bucket = bucketOf(shelf.buckets, name);
  return key === '' ? onBucket(shelf, bucket, request) : onObject(shelf, bucket, request);
}

async function onBucket(shelf: Shelf, bucket: Bucket, request: S3Request): Promise<S3Response> {
  const { method, query } = request;
  if (query.has('versioning')) {
    only(request, ['versioning']);
    if (method === 'GET') return getVersioning(bucket);
    if (method === 'PUT') return putVersioning(bucket, request);
    throw notAllowed('GET, PUT');
  }
  if (method === 'GET' && query.has('location')) return getLocation(bucket);
  if (method === 'GET' && query.has('uploads')) {
    only(request, ['uploads', 'delimiter', 'prefix', 'max-uploads', 'key-marker', 'upload-id-marker', 'encoding-type']);
    return listUploads(bucket, request);
  }
  const page = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];
  if (method === 'GET' && query.has('versions')) {
    only(request, ['versions', 'key-marker', 'version-id-marker', ...page]);
    return listVersions(bucket, request);
  }
  if (method === 'GET' && query.get('list-type') === '2') {
    only(request, ['list-type', 'continuation-token', 'start-after', 'fetch-owner', ...page]);
    return listObjects(bucket, request);
  }
  if (method === 'POST' && query.has('delete')) {
    only(request, ['delete']);
    return deleteObjects(bucket, request);
  }
  only(request, []);
  if (method === 'HEAD') return headBucket(bucket);
  if (method === 'DELETE') return deleteBucket(shelf, bucket);
  if (method === 'GET') throw new S3Error('NotImplemented', { message: 'list with ListObjectsV2: list-type=2' });
  throw notAllowed('GET, HEAD, PUT, DELETE');
}

async function onObject(shelf: Shelf, bucket: Bucket, request: S3Request): Promise<S3Response> {
  const { method, query, headers } = request;
  const copies = headers['x-amz-copy-source'] !== undefined;
  if (query.has('uploads')) {
    only(request, ['uploads']);
    if (method !== 'POST') throw notAllowed('POST');
    return createUpload(bucket, request);
  }
  if (query.has('uploadId')) {
    only(request, ['uploadId', 'partNumber', 'max-parts', 'part-number-marker']);
    if (method === 'PUT' && copies)
      throw new S3Error('NotImplemented', { message: 'the local S3 server has no UploadPartCopy' });
    if (method === 'PUT') return uploadPart(bucket, request);
    if (method === 'POST') return completeUpload(bucket, request);
    if (method === 'GET') return listParts(bucket, request);
    if (method === 'DELETE') return abortUpload(bucket, request);
    throw notAllowed('GET, PUT, POST, DELETE');
  }
  if (method === 'GET' || method === 'HEAD') {
    only(request, ['versionId', 'partNumber', /^response-/]);
    return getObject(bucket, request);
  }
  if (method === 'PUT') {
    only(request, []);
    return copies ? copyObject(shelf.buckets, bucket, request) : putObject(bucket, request);
  }
  if (method === 'DELETE') {
    only(request, ['versionId']);
    return deleteObject(bucket, request);
  }
  throw notAllowed('GET, HEAD, PUT, DELETE');
}

/** What every request may carry: the SDK's name of the operation and a presigned signature. */
const common = [/^x-id$/, /^x-amz-/i];

function only({ query }: S3Request, allowed: readonly (string | RegExp)[]): void {
  for (const name of query.keys()) {
    const known = [...common, ...allowed].some((one) => (typeof one === 'string' ? one === name : one.test(name)));
    if (!known) {
      throw new S3Error('NotImplemented', {
        message: `the local S3 server does not have the parameter ${name.slice(0, 40)}`,
      });
    }
  }
}

function hasSubresource({ query }: S3Request): boolean {
  return [...query.keys()].some((name) => !common.some((one) => one.test(name)));
}

function notAllowed(allow: string): S3Error {
  return new S3Error('MethodNotAllowed', { headers: { allow } });
}
