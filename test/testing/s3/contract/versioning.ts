// The contract: versions of a key, delete markers, and reading what was.
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { type Bench, refusal } from './endpoint.ts';

export function versioningContract(bench: () => Bench): void {
  const versioned = async () => {
    const { s3, newBucket } = bench();
    const Bucket = await newBucket();
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    return { s3, Bucket };
  };

  describe('versioning', () => {
    it('is off at first, and says so once it is on', async () => {
      const { s3, bucket } = bench();
      expect((await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status).toBeUndefined();
      const { Bucket } = await versioned();
      expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe('Enabled');
    });

    it('every put is a version, and each can be read by its id', async () => {
      const { s3, Bucket } = await versioned();
      const first = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '1' }));
      const second = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '2' }));
      const read = async (VersionId?: string) =>
        (await s3.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId }))).Body!.transformToString();
      expect([await read(), await read(first.VersionId), await read(second.VersionId)]).toEqual(['2', '1', '2']);
      const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      expect(Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
        [second.VersionId, true],
        [first.VersionId, false],
      ]);
    });

    it('a delete hides the key behind a marker, and deleting the marker brings it back', async () => {
      const { s3, Bucket } = await versioned();
      await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '1' }));
      const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      expect(marker.DeleteMarker).toBe(true);
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toBe('404 NoSuchKey');
      expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
      const { DeleteMarkers } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      expect(DeleteMarkers?.map(({ VersionId }) => VersionId)).toEqual([marker.VersionId]);
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: marker.VersionId }));
      expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(1);
    });

    it('a delete marker counts as absent for If-None-Match: *', async () => {
      const { s3, Bucket } = await versioned();
      const put = () => s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '1', IfNoneMatch: '*' }));
      await put();
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      await put();
    });

    it('versions are listed in pages', async () => {
      const { s3, Bucket } = await versioned();
      for (const Key of ['a', 'a', 'a', 'b']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
      const seen: string[] = [];
      let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
      for (let more = true; more; ) {
        const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, ...marker }));
        seen.push(...(page.Versions ?? []).map(({ Key, VersionId }) => `${Key} ${VersionId}`));
        marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
        more = page.IsTruncated === true;
      }
      expect(seen.map((one) => one[0])).toEqual(['a', 'a', 'a', 'b']);
      expect(new Set(seen).size).toBe(4);
    });
  });
}
