// The contract: checksums are verified on the way in and returned on the way out.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  ChecksumAlgorithm,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { type Bench, bytes, refusal } from './endpoint.ts';

/** Of the ASCII text `123456789`: the check values of the CRC catalogue, and the hashes. */
const known = {
  CRC32: Buffer.from('cbf43926', 'hex').toString('base64'),
  CRC32C: Buffer.from('e3069283', 'hex').toString('base64'),
  CRC64NVME: Buffer.from('ae8b14860a799888', 'hex').toString('base64'),
  SHA1: createHash('sha1').update('123456789').digest('base64'),
  SHA256: createHash('sha256').update('123456789').digest('base64'),
} as const;
const names = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

export function checksumContract(bench: () => Bench): void {
  describe('checksums', () => {
    it.each(names)('%s that is right is kept and returned to who asks', async (name) => {
      const { s3, bucket: Bucket } = bench();
      const field = `Checksum${name}`;
      await s3.send(new PutObjectCommand({ Bucket, Key: name, Body: '123456789', [field]: known[name] }));
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: name, ChecksumMode: 'ENABLED' }));
      expect(head).toMatchObject({ [field]: known[name], ChecksumType: 'FULL_OBJECT' });
      const plain = await s3.send(new HeadObjectCommand({ Bucket, Key: name }));
      expect(plain).not.toHaveProperty(field, known[name]);
    });

    it.each(names)('%s that is wrong is 400 BadDigest, and nothing is kept', async (name) => {
      const { s3, bucket: Bucket } = bench();
      const Key = `wrong-${name}`;
      const put = new PutObjectCommand({ Bucket, Key, Body: '123456780', [`Checksum${name}`]: known[name] });
      expect(await refusal(s3.send(put))).toBe('400 BadDigest');
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key })))).toBe('404 NoSuchKey');
    });

    it.each(['CRC32', 'SHA256'] as const)('%s of a stream comes in a trailer', async (name) => {
      const { s3, bucket: Bucket } = bench();
      const Body = Readable.from([Buffer.from('1234'), Buffer.from('56789')]);
      const more = { ContentLength: 9, ChecksumAlgorithm: name };
      await s3.send(new PutObjectCommand({ Bucket, Key: 'trailer', Body, ...more }));
      const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'trailer', ChecksumMode: 'ENABLED' }));
      expect([await got.Body!.transformToString(), got[`Checksum${name}`]]).toEqual(['123456789', known[name]]);
    });

    it('Content-MD5 that is wrong is 400 BadDigest', async () => {
      const { s3, bucket: Bucket } = bench();
      const ContentMD5 = createHash('md5').update('other').digest('base64');
      const put = new PutObjectCommand({ Bucket, Key: 'md5', Body: 'x', ContentMD5 });
      expect(await refusal(s3.send(put))).toBe('400 BadDigest');
    });

    it.each([
      ['CRC32', 'FULL_OBJECT'],
      ['CRC32C', 'FULL_OBJECT'],
      ['CRC64NVME', 'FULL_OBJECT'],
      ['SHA256', 'COMPOSITE'],
    ] as const)('%s of a multipart upload is joined from its parts: %s', async (name, ChecksumType) => {
      const { s3, bucket: Bucket } = bench();
      const Key = `mp-${name}`;
      const bodies = [bytes(5 * 2 ** 20), bytes(1234, 3)];
      const kind = { ChecksumAlgorithm: ChecksumAlgorithm[name], ChecksumType };
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...kind }));
      const Parts: CompletedPart[] = [];
      for (const [index, Body] of bodies.entries()) {
        const part = { PartNumber: index + 1, ChecksumAlgorithm: ChecksumAlgorithm[name] };
        const done = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, Body, ...part }));
        const field = `Checksum${name}` as const;
        Parts.push({ PartNumber: part.PartNumber, ETag: done.ETag, [field]: done[field] });
      }
      const end = { Bucket, Key, UploadId, MultipartUpload: { Parts }, ChecksumType };
      await s3.send(new CompleteMultipartUploadCommand(end));
      const whole = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
      expect(whole.ChecksumType).toBe(ChecksumType);
      if (name === 'CRC32') {
        const value = Buffer.alloc(4);
        value.writeUInt32BE(crc32(Buffer.concat(bodies)));
        expect(whole.ChecksumCRC32).toBe(value.toString('base64'));
      }
      // The same bytes in one go have the same checksum of the full object.
      const Body = Buffer.concat(bodies);
      await s3.send(new PutObjectCommand({ Bucket, Key: `${Key}-one`, Body, ChecksumAlgorithm: name }));
      const one = await s3.send(new HeadObjectCommand({ Bucket, Key: `${Key}-one`, ChecksumMode: 'ENABLED' }));
      if (ChecksumType === 'FULL_OBJECT') expect(whole[`Checksum${name}`]).toBe(one[`Checksum${name}`]);
      else expect(whole[`Checksum${name}`]).toMatch(/-2$/);
    });
  });
}
