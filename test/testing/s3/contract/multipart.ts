// The contract: multipart uploads, their parts, conditions and ends.
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { type Bench, bytes, refusal } from './endpoint.ts';

const big = bytes(5 * 2 ** 20);
const small = bytes(1000, 7);

export function multipartContract(bench: () => Bench): void {
  const begin = async (Key: string) => {
    const { s3, bucket: Bucket } = bench();
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'image/png' }));
    const upload = { Bucket, Key, UploadId };
    return {
      upload,
      part: async (PartNumber: number, Body: Uint8Array): Promise<CompletedPart> => {
        const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
        return { PartNumber, ETag };
      },
      complete: (Parts: CompletedPart[], more: { IfNoneMatch?: string; IfMatch?: string } = {}) =>
        s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more })),
    };
  };

  describe('multipart uploads', () => {
    it('parts that come in any order become one object, its ETag made of theirs', async () => {
      const { s3, bucket: Bucket } = bench();
      const { part, complete } = await begin('mp');
      const second = await part(2, small);
      const first = await part(1, big);
      const { ETag } = await complete([first, second]);
      const md5 = (data: Uint8Array) => createHash('md5').update(data).digest();
      expect(ETag).toBe(`"${md5(Buffer.concat([md5(big), md5(small)])).toString('hex')}-2"`);
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'mp' }));
      expect(Buffer.compare(await got.Body!.transformToByteArray(), Buffer.concat([big, small]))).toBe(0);
      expect(got).toMatchObject({ ETag, ContentType: 'image/png' });
    });

    it('PartNumber reads one part and says how many there are; a range may span two', async () => {
      const { s3, bucket: Bucket } = bench();
      const { part, complete } = await begin('mp-read');
      await complete([await part(1, big), await part(2, small)]);
      const one = await s3.send(new GetObjectCommand({ Bucket, Key: 'mp-read', PartNumber: 2 }));
      expect(Buffer.compare(await one.Body!.transformToByteArray(), small)).toBe(0);
      expect(one).toMatchObject({ PartsCount: 2, ContentLength: small.length });
      const Range = `bytes=${big.length - 2}-${big.length + 1}`;
      const two = await s3.send(new GetObjectCommand({ Bucket, Key: 'mp-read', Range }));
      const expected = Buffer.concat([big.subarray(-2), small.subarray(0, 2)]);
      expect(Buffer.compare(await two.Body!.transformToByteArray(), expected)).toBe(0);
      const absent = new GetObjectCommand({ Bucket, Key: 'mp-read', PartNumber: 3 });
      expect(await refusal(s3.send(absent))).toMatch(/^416 /);
    });

    it('a copy of it is one object, its ETag the MD5 of all bytes', async () => {
      const { s3, bucket: Bucket } = bench();
      const { part, complete } = await begin('mp-copied');
      await complete([await part(1, big), await part(2, small)]);
      const whole = Buffer.concat([big, small]);
      const copy = { Bucket, Key: 'mp-copy', CopySource: `${Bucket}/mp-copied` };
      const { CopyObjectResult } = await s3.send(new CopyObjectCommand(copy));
      expect(CopyObjectResult?.ETag).toBe(`"${createHash('md5').update(whole).digest('hex')}"`);
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'mp-copy' }));
      expect(Buffer.compare(await got.Body!.transformToByteArray(), whole)).toBe(0);
    });

    it('a part uploaded again replaces the one before', async () => {
      const { s3, bucket: Bucket } = bench();
      const { part, complete } = await begin('mp-again');
      await part(1, big);
      await complete([await part(1, small)]);
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'mp-again' }));
      expect(got.ContentLength).toBe(small.length);
      await got.Body!.transformToByteArray();
    });

    it('a list with a wrong order, a wrong ETag, or a small part that is not the last is refused', async () => {
      const { part, complete } = await begin('mp-wrong');
      const [one, two] = [await part(1, small), await part(2, small)];
      expect(await refusal(complete([two, one]))).toBe('400 InvalidPartOrder');
      expect(await refusal(complete([{ ...one, ETag: two.ETag?.replace(/[0-9a-f]{4}/, '0000') }]))).toBe(
        '400 InvalidPart',
      );
      expect(await refusal(complete([one, { ...two, PartNumber: 9 }]))).toMatch(/^400 (InvalidPart|EntityTooSmall)$/);
      expect(await refusal(complete([one, two]))).toBe('400 EntityTooSmall');
    });

    it('completing obeys If-None-Match and If-Match, and a refused upload can be completed later', async () => {
      const { s3, bucket: Bucket } = bench();
      const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'mp-if', Body: 'x' }));
      const { part, complete } = await begin('mp-if');
      const parts = [await part(1, small)];
      expect(await refusal(complete(parts, { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed');
      expect(await refusal(complete(parts, { IfMatch: '"other"' }))).toBe('412 PreconditionFailed');
      await complete(parts, { IfMatch: ETag! });
    });

    it('exactly one of 10 racing uploads creates a key', async () => {
      const uploads = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const { part, complete } = await begin('mp-race');
          const parts = [await part(1, small)];
          return () => refusal(complete(parts, { IfNoneMatch: '*' }));
        }),
      );
      const outcomes = await Promise.all(uploads.map((complete) => complete()));
      expect(outcomes.filter((outcome) => outcome === 'no refusal')).toHaveLength(1);
    });

    it('ListParts and ListMultipartUploads show what is under way, in pages', async () => {
      const { s3, newBucket } = bench();
      const Bucket = await newBucket();
      const start = (Key: string) => s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const [{ UploadId }] = await Promise.all([start('u/1'), start('u/2'), start('other')]);
      for (const PartNumber of [1, 2, 3]) {
        await s3.send(new UploadPartCommand({ Bucket, Key: 'u/1', UploadId, PartNumber, Body: small }));
      }
      const page = await s3.send(new ListPartsCommand({ Bucket, Key: 'u/1', UploadId, MaxParts: 2 }));
      expect([page.Parts?.map((one) => one.PartNumber), page.IsTruncated]).toEqual([[1, 2], true]);
      const marker = { PartNumberMarker: page.NextPartNumberMarker };
      const rest = await s3.send(new ListPartsCommand({ Bucket, Key: 'u/1', UploadId, ...marker }));
      expect(rest.Parts?.map((one) => [one.PartNumber, one.Size])).toEqual([[3, small.length]]);
      const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'u/' }));
      expect(uploads.Uploads?.map((one) => one.Key)).toEqual(['u/1', 'u/2']);
    });

    it('an aborted upload is gone with its parts', async () => {
      const { s3 } = bench();
      const { upload, part, complete } = await begin('mp-abort');
      const parts = [await part(1, small)];
      await s3.send(new AbortMultipartUploadCommand(upload));
      expect(await refusal(complete(parts))).toBe('404 NoSuchUpload');
      expect(await refusal(part(2, small))).toBe('404 NoSuchUpload');
    });
  });
}
