// The contract: conditional reads and writes. Publishing models stands on these.
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { type Bench, refusal } from './endpoint.ts';

export function conditionContract(bench: () => Bench): void {
  describe('conditional reads', () => {
    it('If-None-Match with the current ETag is 304, with another it is the object', async () => {
      const { s3, bucket: Bucket } = bench();
      const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'r', Body: 'x' }));
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'r', IfNoneMatch: ETag })))).toMatch(/^304 /);
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'r', IfNoneMatch: '"other"' }));
      expect(await got.Body!.transformToString()).toBe('x');
    });

    it('If-Match with another ETag is 412', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'r', Body: 'x' }));
      const get = new GetObjectCommand({ Bucket, Key: 'r', IfMatch: '"other"' });
      expect(await refusal(s3.send(get))).toBe('412 PreconditionFailed');
    });

    it('If-Modified-Since and If-Unmodified-Since compare with the time of the write', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'r', Body: 'x' }));
      const { LastModified } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'r' }));
      const before = new Date(LastModified!.getTime() - 60_000);
      const since = (at: Date) => new GetObjectCommand({ Bucket, Key: 'r', IfModifiedSince: at });
      const until = (at: Date) => new HeadObjectCommand({ Bucket, Key: 'r', IfUnmodifiedSince: at });
      expect(await refusal(s3.send(since(LastModified!)))).toMatch(/^304 /);
      await s3.send(since(before)).then(({ Body }) => Body!.transformToString());
      await s3.send(until(LastModified!));
      expect(await refusal(s3.send(until(before)))).toMatch(/^412 /);
    });
  });

  describe('conditional writes', () => {
    it('If-None-Match: * creates once: the second writer gets 412 and changes nothing', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: 'first', IfNoneMatch: '*' }));
      const again = new PutObjectCommand({ Bucket, Key: 'once', Body: 'second', IfNoneMatch: '*' });
      expect(await refusal(s3.send(again))).toBe('412 PreconditionFailed');
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'once' }));
      expect(await got.Body!.transformToString()).toBe('first');
    });

    it('a key that was deleted can be created again', async () => {
      const { s3, bucket: Bucket } = bench();
      const put = () => s3.send(new PutObjectCommand({ Bucket, Key: 'again', Body: 'x', IfNoneMatch: '*' }));
      await put();
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'again' }));
      await put();
    });

    it('exactly one of 20 racing writers creates a key, and its bytes are there', async () => {
      const { s3, bucket: Bucket } = bench();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          refusal(s3.send(new PutObjectCommand({ Bucket, Key: 'race', Body: `writer ${i}`, IfNoneMatch: '*' }))),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'no refusal')).toHaveLength(1);
      const lost = outcomes.filter((outcome) =>
        /^(412 PreconditionFailed|409 ConditionalRequestConflict)$/.test(outcome),
      );
      expect(lost).toHaveLength(19);
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'race' }));
      expect(await got.Body!.transformToString()).toBe(`writer ${outcomes.indexOf('no refusal')}`);
    });

    it('If-Match with the current ETag replaces, with another it is 412, and on an absent key 404', async () => {
      const { s3, bucket: Bucket } = bench();
      const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'swap', Body: '1' }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'swap', Body: '2', IfMatch: ETag }));
      const stale = new PutObjectCommand({ Bucket, Key: 'swap', Body: '3', IfMatch: ETag });
      expect(await refusal(s3.send(stale))).toBe('412 PreconditionFailed');
      const absent = new PutObjectCommand({ Bucket, Key: 'swap-absent', Body: 'x', IfMatch: ETag });
      expect(await refusal(s3.send(absent))).toBe('404 NoSuchKey');
    });

    it('20 writers that compare and swap with retries count to 20', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'count', Body: '0' }));
      const increment = async () => {
        for (;;) {
          const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'count' }));
          const next = String(Number(await got.Body!.transformToString()) + 1);
          const put = new PutObjectCommand({ Bucket, Key: 'count', Body: next, IfMatch: got.ETag });
          if ((await refusal(s3.send(put))) === 'no refusal') return;
        }
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'count' }));
      expect(await got.Body!.transformToString()).toBe('20');
    });

    it('a copy whose source does not match is 412', async () => {
      const { s3, bucket: Bucket } = bench();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'from', Body: 'x' }));
      const copy = { Bucket, Key: 'to', CopySource: `${Bucket}/from`, CopySourceIfMatch: '"other"' };
      expect(await refusal(s3.send(new CopyObjectCommand(copy)))).toBe('412 PreconditionFailed');
    });
  });
}
