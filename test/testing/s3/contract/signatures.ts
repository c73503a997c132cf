// The contract: who may, decided by SigV4 in headers and in presigned URLs. Signed by a second implementation, aws4fetch.
import { ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import { type Bench, refusal } from './endpoint.ts';

export function signatureContract(bench: () => Bench): void {
  const presign = async (method: string, key: string, at: Date, expires: number) => {
    const { endpoint, bucket } = bench();
    const client = new AwsClient({ ...endpoint.credentials, service: 's3', region: endpoint.region });
    const url = `${endpoint.url}/${bucket}/${key}?X-Amz-Expires=${expires}`;
    const datetime = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
    return (await client.sign(url, { method, aws: { signQuery: true, datetime } })).url;
  };
  const code = async (response: Response) =>
    `${response.status} ${/<Code>(\w+)<\/Code>/.exec(await response.text())?.[1] ?? ''}`;

  describe('signatures', () => {
    it('a wrong secret is 403 SignatureDoesNotMatch, an unknown key id 403 InvalidAccessKeyId', async () => {
      const { endpoint } = bench();
      const attempt = (accessKeyId: string, secretAccessKey: string) => {
        const credentials = { accessKeyId, secretAccessKey };
        const client = new S3Client({ endpoint: endpoint.url, region: endpoint.region, credentials, maxAttempts: 1 });
        return refusal(client.send(new ListBucketsCommand()));
      };
      expect(await attempt(endpoint.credentials.accessKeyId, 'wrong')).toBe('403 SignatureDoesNotMatch');
      expect(await attempt('AKIDUNKNOWN', 'wrong')).toBe('403 InvalidAccessKeyId');
    });

    it('a request without a signature is 403 AccessDenied', async () => {
      const { endpoint, bucket } = bench();
      expect(await code(await fetch(`${endpoint.url}/${bucket}/k`))).toBe('403 AccessDenied');
    });

    it('a body that is not the signed one is refused', async () => {
      const { endpoint, bucket } = bench();
      const client = new AwsClient({ ...endpoint.credentials, service: 's3', region: endpoint.region });
      const hash = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
      const signed = await client.sign(`${endpoint.url}/${bucket}/tampered`, {
        method: 'PUT',
        body: 'abd',
        headers: { 'x-amz-content-sha256': hash },
      });
      expect(await code(await fetch(signed))).toBe('400 XAmzContentSHA256Mismatch');
    });

    it('a presigned URL writes and reads while it lasts', async () => {
      const put = await fetch(await presign('PUT', 'presigned', new Date(), 60), { method: 'PUT', body: 'hello' });
      expect(put.status).toBe(200);
      const got = await fetch(await presign('GET', 'presigned', new Date(), 60));
      expect(await got.text()).toBe('hello');
    });

    it('a presigned URL that has expired, or was made for another method, is 403', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'expired', Body: 'x' }));
      const old = new Date(Date.now() - 61_000);
      expect(await code(await fetch(await presign('GET', 'expired', old, 60)))).toBe('403 AccessDenied');
      const other = await presign('GET', 'expired', new Date(), 60);
      expect(await code(await fetch(other, { method: 'DELETE' }))).toBe('403 SignatureDoesNotMatch');
    });

    it('a clock that is 16 minutes off is 403 RequestTimeTooSkewed', async () => {
      const { endpoint } = bench();
      const client = new AwsClient({ ...endpoint.credentials, service: 's3', region: endpoint.region });
      const datetime = new Date(Date.now() - 16 * 60_000).toISOString().replace(/[-:]|\.\d{3}/g, '');
      expect(await code(await client.fetch(`${endpoint.url}/`, { aws: { datetime } }))).toBe(
        '403 RequestTimeTooSkewed',
      );
    });
  });
}
