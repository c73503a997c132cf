// CompleteMultipartUpload: checks the list of parts against what was uploaded and makes one version of them.
import { createHash, randomUUID } from 'node:crypto';
import { readText } from './body.ts';
import type { Bucket } from './bucket.ts';
import { algorithms, type Checksum, checksumHeader, joinChecksums } from './checksums.ts';
import { linkOrCopy } from './copy.ts';
import { S3Error } from './errors.ts';
import { commit, precheck } from './objects.ts';
import type { Segment } from './record.ts';
import type { S3Request } from './request.ts';
import { checksumElements, type S3Response, xmlResponse } from './response.ts';
import { findUpload, type Part, partPath, readParts, removeUpload, type Upload } from './uploads.ts';
import { childText, parseXml, s3Namespace, type XmlElement, xml } from './xml.ts';

export async function completeUpload(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const document = parseXml(await readText(withoutChecksums(request), maxDocument));
  const listed = document?.children.filter((child) => child.name === 'Part') ?? [];
  if (document?.name !== 'CompleteMultipartUpload' || listed.length === 0) throw new S3Error('MalformedXML');
  const id = request.query.get('uploadId') ?? '';
  return bucket.locks.run(`upload:${id}`, async () => {
    const upload = await findUpload(bucket, id, request.key);
    await precheck(bucket, request);
    const parts = choose(listed, await readParts(bucket, upload));
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const checksum = join(upload, parts);
    checkWhole(request.headers, size, checksum);
    const segments = await keep(bucket, upload, parts);
    const version = await commit(bucket, request, {
      lastModified: request.now.getTime(),
      etag: `${createHash('md5')
        .update(Buffer.from(parts.map((part) => part.md5).join(''), 'hex'))
        .digest('hex')}-${parts.length}`,
      size,
      segments,
      headers: upload.headers,
      ...(checksum ? { checksum } : {}),
    });
    await removeUpload(bucket, id);
    return xmlResponse(
      xml(
        'CompleteMultipartUploadResult',
        [
          ['Location', `http://${request.headers['host']}${request.path}`],
          ['Bucket', bucket.name],
          ['Key', request.key],
          ['ETag', `"${version.etag}"`],
          ...checksumElements(checksum),
        ],
        s3Namespace,
      ),
      bucket.facts.versioning ? { 'x-amz-version-id': version.versionId } : {},
    );
  });
}

// Ten thousand parts with their ETags and checksums.
const maxDocument = 4 * 2 ** 20;
// S3's minimum for all parts but the last.
const minPart = 5 * 2 ** 20;

/** Here a checksum header speaks of the object, not of the document that is sent. */
function withoutChecksums(request: S3Request): S3Request {
  const kept = Object.entries(request.headers).filter(([name]) => !/^x-amz-(sdk-)?checksum-/.test(name));
  return { ...request, headers: Object.fromEntries(kept) };
}

/** Throws MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall. */
function choose(listed: readonly XmlElement[], uploaded: readonly Part[]): Part[] {
  const numbers = listed.map((element) => Number(childText(element, 'PartNumber')));
  if (numbers.some((number) => !Number.isInteger(number) || number < 1)) throw new S3Error('MalformedXML');
  if (numbers.some((number, index) => index > 0 && number <= numbers[index - 1]!))
    throw new S3Error('InvalidPartOrder');
  const chosen = listed.map((element, index) => {
    const number = numbers[index];
    const part = uploaded.find((one) => one.number === number);
    const etag = childText(element, 'ETag')?.replace(/^"(.*)"$/, '$1');
    const claimed = algorithms
      .map((algorithm) => ({ algorithm, value: childText(element, `Checksum${algorithm}`) }))
      .find(({ value }) => value !== undefined);
    const wrong = claimed && (claimed.algorithm !== part?.algorithm || claimed.value !== part.checksum);
    if (!part || etag !== part.md5 || wrong)
      throw new S3Error('InvalidPart', { fields: { PartNumber: String(number) } });
    return part;
  });
  const small = chosen.slice(0, -1).find(({ size }) => size < minPart);
  if (!small) return chosen;
  throw new S3Error('EntityTooSmall', {
    fields: { ProposedSize: String(small.size), PartNumber: String(small.number) },
  });
}

function join({ algorithm, type }: Upload, parts: readonly Part[]): Checksum | undefined {
  if (!algorithm || !type) return undefined;
  return joinChecksums(
    algorithm,
    type,
    parts.map(({ checksum, size }) => ({ checksum: checksum ?? '', size })),
  );
}

/** What the client says of the whole: x-amz-mp-object-size and a checksum of all parts. */
function checkWhole(headers: S3Request['headers'], size: number, checksum: Checksum | undefined): void {
  const claimedSize = headers['x-amz-mp-object-size'];
  if (claimedSize !== undefined && Number(claimedSize) !== size) {
    throw new S3Error('InvalidRequest', { message: `x-amz-mp-object-size is not the ${size} bytes of the parts` });
  }
  const claimed = checksum && headers[checksumHeader(checksum.algorithm)];
  if (claimed !== undefined && claimed.replace(/-\d+$/, '') !== checksum?.value.replace(/-\d+$/, '')) {
    throw new S3Error('BadDigest', {
      message: `the ${checksum?.algorithm} you specified did not match the calculated checksum`,
    });
  }
}

/** A second name for each part in the bucket: if this process is killed, the upload is still whole. */
async function keep(bucket: Bucket, upload: Upload, parts: readonly Part[]): Promise<Segment[]> {
  const segments: Segment[] = [];
  try {
    for (const part of parts) {
      const file = randomUUID();
      await linkOrCopy(partPath(bucket, upload.id, part.file), bucket.dataPath(file));
      const { size, checksum } = part;
      segments.push({ file, size, ...(checksum === undefined ? {} : { checksum }) });
    }
  } catch (error) {
    bucket.discard(segments.map((segment) => segment.file));
    throw error;
  }
  return segments;
}
