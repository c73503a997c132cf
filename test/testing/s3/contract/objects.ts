// The contract: buckets, objects, copies, ranges, and what a read may override.
import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { type Bench, bytes, refusal } from './endpoint.ts';

export function bucketContract(bench: () => Bench): void {
  describe('buckets', () => {
    it('a bucket that was created is listed, answers HEAD and says where it is', async () => {
      const { s3, bucket: Bucket } = bench();
      const { Buckets } = await s3.send(new ListBucketsCommand());
      expect(Buckets?.map(({ Name }) => Name)).toContain(Bucket);
      await s3.send(new HeadBucketCommand({ Bucket }));
      await s3.send(new GetBucketLocationCommand({ Bucket }));
    });

    it('a bucket goes only when it is empty', async () => {
      const { s3, newBucket } = bench();
      const Bucket = await newBucket();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
      expect(await refusal(s3.send(new DeleteBucketCommand({ Bucket })))).toBe('409 BucketNotEmpty');
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      await s3.send(new DeleteBucketCommand({ Bucket }));
      expect(await refusal(s3.send(new HeadBucketCommand({ Bucket })))).toBe('404 NotFound');
    });

    it('what is asked of a bucket that is absent is 404 NoSuchBucket', async () => {
      const { s3 } = bench();
      const get = new GetObjectCommand({ Bucket: 'glowplug-is-not-here', Key: 'k' });
      expect(await refusal(s3.send(get))).toBe('404 NoSuchBucket');
    });
  });
}

export function objectContract(bench: () => Bench): void {
  describe('objects', () => {
    it('what was put comes back: bytes, length, ETag, content type and metadata', async () => {
      const { s3, bucket: Bucket } = bench();
      const Body = bytes(100_000);
      const put = await s3.send(
        new PutObjectCommand({ Bucket, Key: 'a/b', Body, ContentType: 'image/png', Metadata: { colour: 'blue' } }),
      );
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a/b' }));
      expect(Buffer.compare(await got.Body!.transformToByteArray(), Body)).toBe(0);
      expect(got).toMatchObject({ ContentLength: 100_000, ETag: put.ETag, ContentType: 'image/png' });
      expect(got.Metadata).toEqual({ colour: 'blue' });
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a/b' }));
      expect(head).toMatchObject({ ContentLength: 100_000, ETag: put.ETag, AcceptRanges: 'bytes' });
    });

    it('an empty object is an object', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '', ContentLength: 0 }));
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'empty' }));
      expect([await got.Body!.transformToString(), got.ContentLength]).toEqual(['', 0]);
    });

    it.each([
      'spaces and +plus',
      'ünïcode/日本',
      "quote'(1)!*",
      'a//b',
      'dot/../dot',
      'ends/',
      'percent%2F',
      'tilde~:@&=$,;?#',
    ])('the key %s is taken as it is', async (Key) => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
      const got = await s3.send(new GetObjectCommand({ Bucket, Key }));
      expect(await got.Body!.transformToString()).toBe(Key);
    });

    it('a later put replaces all of the earlier one', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'twice', Body: 'long and old', Metadata: { old: 'yes' } }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'twice', Body: 'new' }));
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'twice' }));
      expect([await got.Body!.transformToString(), got.Metadata]).toEqual(['new', {}]);
    });

    it('a key that is absent is 404: NoSuchKey for GET, NotFound for HEAD', async () => {
      const { s3, bucket: Bucket } = bench();
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'absent' })))).toBe('404 NoSuchKey');
      expect(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key: 'absent' })))).toBe('404 NotFound');
    });

    it('deleting is done once and is no error twice', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: 'x' }));
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'gone' })))).toBe('404 NoSuchKey');
    });

    it('DeleteObjects deletes many at once and names them, unless it is asked to be quiet', async () => {
      const { s3, bucket: Bucket } = bench();
      const keys = ['d/1', 'd/<2>&', 'd/absent'];
      for (const Key of keys.slice(0, 2)) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
      const Objects = keys.map((Key) => ({ Key }));
      const loud = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      expect(loud.Deleted?.map(({ Key }) => Key)).toEqual(keys);
      const quiet = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
      expect([quiet.Deleted, quiet.Errors]).toEqual([undefined, undefined]);
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'd/<2>&' })))).toBe('404 NoSuchKey');
    });

    it('a copy has the bytes and metadata of its source, or metadata of its own', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'source ü', Body: 'bytes', Metadata: { from: 'source' } }));
      const CopySource = `${Bucket}/${encodeURIComponent('source ü')}`;
      const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'kept', CopySource }));
      const replace = { MetadataDirective: 'REPLACE', Metadata: { from: 'copy' } } as const;
      await s3.send(new CopyObjectCommand({ Bucket, Key: 'replaced', CopySource, ...replace }));
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'source ü' }));
      const kept = await s3.send(new GetObjectCommand({ Bucket, Key: 'kept' }));
      const replaced = await s3.send(new GetObjectCommand({ Bucket, Key: 'replaced' }));
      expect([await kept.Body!.transformToString(), kept.Metadata]).toEqual(['bytes', { from: 'source' }]);
      expect([await replaced.Body!.transformToString(), replaced.Metadata]).toEqual(['bytes', { from: 'copy' }]);
      expect(kept.ETag).toBe(copied.CopyObjectResult?.ETag);
    });

    it('a copy onto itself must change something', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'self', Body: 'x' }));
      const copy = new CopyObjectCommand({ Bucket, Key: 'self', CopySource: `${Bucket}/self` });
      expect(await refusal(s3.send(copy))).toBe('400 InvalidRequest');
    });
  });
}

export function rangeContract(bench: () => Bench): void {
  describe('ranges', () => {
    it.each([
      ['bytes=0-3', '0123', 'bytes 0-3/10'],
      ['bytes=4-', '456789', 'bytes 4-9/10'],
      ['bytes=-3', '789', 'bytes 7-9/10'],
      ['bytes=-30', '0123456789', 'bytes 0-9/10'],
      ['bytes=8-100', '89', 'bytes 8-9/10'],
    ])('%s of ten digits is %s', async (Range, text, contentRange) => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'digits', Body: '0123456789' }));
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
      expect([await got.Body!.transformToString(), got.ContentRange]).toEqual([text, contentRange]);
      expect(got.$metadata.httpStatusCode).toBe(206);
    });

    it('a range behind the end is 416 InvalidRange', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'digits', Body: '0123456789' }));
      const get = new GetObjectCommand({ Bucket, Key: 'digits', Range: 'bytes=10-' });
      expect(await refusal(s3.send(get))).toBe('416 InvalidRange');
    });
  });
}
