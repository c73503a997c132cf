// DeleteObjects: up to a thousand keys in one request, each with its own outcome.
import { readText } from './body.ts';
import type { Bucket } from './bucket.ts';
import { S3Error, toS3Error } from './errors.ts';
import { deleteKey } from './objects.ts';
import type { S3Request } from './request.ts';
import { type S3Response, xmlResponse } from './response.ts';
import { childText, parseXml, s3Namespace, type XmlNode, xml } from './xml.ts';

export async function deleteObjects(bucket: Bucket, request: S3Request): Promise<S3Response> {
  const document = parseXml(await readText(request, maxDocument));
  const objects = document?.children.filter((child) => child.name === 'Object') ?? [];
  // S3's limit.
  if (document?.name !== 'Delete' || objects.length === 0 || objects.length > 1000) throw new S3Error('MalformedXML');
  const quiet = childText(document, 'Quiet') === 'true';
  const nodes: XmlNode[] = [];
  for (const object of objects) {
    const key = childText(object, 'Key');
    if (!key) throw new S3Error('MalformedXML');
    const versionId = childText(object, 'VersionId');
    const etag = childText(object, 'ETag');
    try {
      const headers = etag === undefined ? {} : { 'if-match': etag };
      const deleted = await deleteKey(bucket, key, versionId, { headers, now: request.now });
      const marker = deleted?.deleteMarker
        ? ([
            ['DeleteMarker', true],
            ['DeleteMarkerVersionId', deleted.versionId],
          ] as const)
        : [];
      if (!quiet) nodes.push(['Deleted', [['Key', key], ['VersionId', versionId], ...marker]]);
    } catch (thrown) {
      const { code, message } = toS3Error(thrown);
      nodes.push([
        'Error',
        [
          ['Key', key],
          ['VersionId', versionId],
          ['Code', code],
          ['Message', message],
        ],
      ]);
    }
  }
  return xmlResponse(xml('DeleteResult', nodes, s3Namespace));
}

// A thousand keys of 1,024 bytes, each escaped, with room for the tags.
const maxDocument = 8 * 2 ** 20;
