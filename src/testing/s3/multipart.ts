// Multipart uploads as S3 answers them: create, upload a part, abort, list. Completing has a file of its own.
import { randomUUID } from 'node:crypto';
import { receiveFile } from './body.ts';
import type { Bucket } from './bucket.ts';
import { type Algorithm, type ChecksumType, toAlgorithm } from './checksums.ts';
import { S3Error } from './errors.ts';
import { readCount } from './list.ts';
import type { S3Request } from './request.ts';
import { checksumHeaders, type S3Response, xmlResponse } from './response.ts';
import { storedHeaders } from './stored-headers.ts';
import {
  allUploads,
  findUpload,
  partPath,
  readParts,
  removeUpload,
  startUpload,
  type Upload,
  writePart,
} from './uploads.ts';
import { s3Namespace, type XmlNode, xml } from './xml.ts';

export async function createUpload(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const kind = readKind(request.headers);
  const upload = await startUpload(bucket, {
    key: request.key,
    initiated: request.now.getTime(),
    headers: storedHeaders(request.headers),
    ...kind,
  });
  return xmlResponse(
    xml(
      'InitiateMultipartUploadResult',
      [
        ['Bucket', bucket.name],
        ['Key', request.key],
        ['UploadId', upload.id],
      ],
      s3Namespace,
    ),
    { 'x-amz-checksum-algorithm': kind.algorithm, 'x-amz-checksum-type': kind.type },
  );
}

export async function uploadPart(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const number = readPartNumber(request.query.get('partNumber'));
  const upload = await findUpload(bucket, request.query.get('uploadId') ?? '', request.key);
  const file = randomUUID();
  const { size, md5, checksum } = await receiveFile(request, partPath(bucket, upload.id, file), upload.algorithm);
  if (upload.algorithm && checksum?.algorithm !== upload.algorithm) {
    throw new S3Error('InvalidRequest', {
      message: `Checksum Type mismatch occurred, expected ${upload.algorithm}, actual ${checksum?.algorithm}`,
    });
  }
  await writePart(bucket, upload, {
    number,
    file,
    size,
    md5,
    lastModified: request.now.getTime(),
    ...(checksum ? { checksum: checksum.value, algorithm: checksum.algorithm } : {}),
  });
  const { 'x-amz-checksum-type': _whole, ...headers } = checksumHeaders(checksum ? { checksum } : {});
  return { status: 200, headers: { etag: `"${md5}"`, ...headers } };
}

export async function abortUpload(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const id = request.query.get('uploadId') ?? '';
  await bucket.locks.run(`upload:${id}`, async () => {
    await findUpload(bucket, id, request.key);
    await removeUpload(bucket, id);
  });
  return { status: 204 };
}

export async function listParts(bucket: Bucket, { query, key }: S3Request): Promise<S3Response> {
  const upload = await findUpload(bucket, query.get('uploadId') ?? '', key);
  const limit = readCount(query, 'max-parts');
  const marker = Number(query.get('part-number-marker') ?? 0);
  const parts = (await readParts(bucket, upload)).filter((part) => part.number > marker);
  const shown = parts.slice(0, limit);
  const truncated = parts.length > shown.length;
  return xmlResponse(
    xml(
      'ListPartsResult',
      [
        ['Bucket', bucket.name],
        ['Key', key],
        ['UploadId', upload.id],
        ['PartNumberMarker', marker],
        ['NextPartNumberMarker', truncated ? shown.at(-1)?.number : undefined],
        ['MaxParts', limit],
        ['IsTruncated', truncated],
        ...checksumKind(upload),
        ...shown.map(
          (part): XmlNode => [
            'Part',
            [
              ['PartNumber', part.number],
              ['LastModified', new Date(part.lastModified).toISOString()],
              ['ETag', `"${part.md5}"`],
              ['Size', part.size],
              ...(part.algorithm ? ([[`Checksum${part.algorithm}`, part.checksum]] as const) : []),
            ],
          ],
        ),
      ],
      s3Namespace,
    ),
  );
}

export async function listUploads(bucket: Bucket, { query }: S3Request): Promise<S3Response> {
  if (query.has('delimiter')) throw new S3Error('NotImplemented', { message: 'ListMultipartUploads has no delimiter' });
  const limit = readCount(query, 'max-uploads');
  const prefix = query.get('prefix') ?? '';
  const uploads = (await allUploads(bucket)).filter(({ key }) => key.startsWith(prefix));
  const [keyMarker, idMarker] = [query.get('key-marker') ?? '', query.get('upload-id-marker') ?? ''];
  const at = uploads.findIndex(({ id }) => id === idMarker);
  const rest = at < 0 ? uploads.filter(({ key }) => keyMarker === '' || key > keyMarker) : uploads.slice(at + 1);
  const shown = rest.slice(0, limit);
  const last = rest.length > shown.length ? shown.at(-1) : undefined;
  return xmlResponse(
    xml(
      'ListMultipartUploadsResult',
      [
        ['Bucket', bucket.name],
        ['Prefix', prefix],
        ['KeyMarker', keyMarker],
        ['UploadIdMarker', idMarker],
        ['NextKeyMarker', last?.key],
        ['NextUploadIdMarker', last?.id],
        ['MaxUploads', limit],
        ['IsTruncated', last !== undefined],
        ...shown.map(
          (upload): XmlNode => [
            'Upload',
            [
              ['Key', upload.key],
              ['UploadId', upload.id],
              ['Initiated', new Date(upload.initiated).toISOString()],
              ['StorageClass', 'STANDARD'],
              ...checksumKind(upload),
            ],
          ],
        ),
      ],
      s3Namespace,
    ),
  );
}

function checksumKind({ algorithm, type }: Upload): XmlNode[] {
  return [
    ['ChecksumAlgorithm', algorithm],
    ['ChecksumType', type],
  ];
}

/** SHA cannot be joined to one of all bytes, CRC64NVME is never a composite. */
function readKind(headers: S3Request['headers']): { algorithm?: Algorithm; type?: ChecksumType } {
  const named = headers['x-amz-checksum-algorithm'];
  if (named === undefined) return {};
  const algorithm = toAlgorithm(named);
  const natural = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  const type = headers['x-amz-checksum-type'] ?? natural;
  const fits = type === natural || (type === 'FULL_OBJECT' && (algorithm === 'CRC32' || algorithm === 'CRC32C'));
  if (!algorithm || (type !== 'FULL_OBJECT' && type !== 'COMPOSITE') || !fits) {
    throw new S3Error('InvalidRequest', {
      message: `x-amz-checksum-algorithm ${named.slice(0, 20)} and x-amz-checksum-type ${type.slice(0, 20)} do not go together`,
    });
  }
  return { algorithm, type };
}

function readPartNumber(text: string | undefined): number {
  if (!/^\d{1,5}$/.test(text ?? '') || Number(text) < 1 || Number(text) > 10_000) {
    throw new S3Error('InvalidArgument', { message: 'partNumber must be a whole number from 1 to 10000' });
  }
  return Number(text);
}
