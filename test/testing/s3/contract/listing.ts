// The contract: ListObjectsV2 in pages, by prefix, rolled up to a delimiter.
import {
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bench } from './endpoint.ts';

const keys = ['a', 'b/1', 'b/2', 'b/c/3', 'c', 'd/', 'd/4', 'é', '\u{ff5e}', '\u{1f600}'];

export function listingContract(bench: () => Bench): void {
  describe('listing', () => {
    let bucket = '';
    beforeAll(async () => {
      bucket = await bench().newBucket();
      for (const Key of [...keys].reverse()) {
        // Empty where a server on a folder would make one of it.
        const Body = Key.endsWith('/') ? '' : 'x';
        await bench().s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
      }
    });
    const list = async (input: Omit<ListObjectsV2CommandInput, 'Bucket'>) => {
      const { s3 } = bench();
      const found: string[] = [];
      const prefixes: string[] = [];
      const pages: number[] = [];
      for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, ...input })) {
        found.push(...(page.Contents ?? []).map(({ Key }) => Key!));
        prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!));
        pages.push(page.KeyCount!);
      }
      return { found, prefixes, pages };
    };

    it('keys come in the order of their UTF-8 bytes', async () => {
      expect((await list({})).found).toEqual(keys);
    });

    it('pages join to the whole, whatever their size', async () => {
      expect(await list({ MaxKeys: 3 })).toEqual({ found: keys, prefixes: [], pages: [3, 3, 3, 1] });
      expect((await list({ MaxKeys: 1 })).found).toEqual(keys);
    });

    it('a prefix selects, and StartAfter skips', async () => {
      expect((await list({ Prefix: 'b/' })).found).toEqual(['b/1', 'b/2', 'b/c/3']);
      expect((await list({ Prefix: 'b/', StartAfter: 'b/1' })).found).toEqual(['b/2', 'b/c/3']);
      expect((await list({ Prefix: 'nothing' })).found).toEqual([]);
    });

    it('a delimiter rolls up, each prefix once, in pages too', async () => {
      const all = { found: ['a', 'c', 'é', '\u{ff5e}', '\u{1f600}'], prefixes: ['b/', 'd/'] };
      expect(await list({ Delimiter: '/' })).toMatchObject(all);
      expect(await list({ Delimiter: '/', MaxKeys: 1 })).toEqual({ ...all, pages: [1, 1, 1, 1, 1, 1, 1] });
      expect(await list({ Delimiter: '/', Prefix: 'b/' })).toMatchObject({ found: ['b/1', 'b/2'], prefixes: ['b/c/'] });
      expect(await list({ Delimiter: '/', Prefix: 'd/' })).toMatchObject({ found: ['d/', 'd/4'], prefixes: [] });
    });

    it('an entry says size, ETag and time', async () => {
      const { Contents } = await bench().s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'a' }));
      expect(Contents?.[0]).toMatchObject({ Size: 1, ETag: '"9dd4e461268c8034f5c8564e155c67a6"' });
      expect(Contents?.[0]?.LastModified).toBeInstanceOf(Date);
    });

    it('a page of none is empty and not truncated', async () => {
      const page = await bench().s3.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 0 }));
      expect([page.Contents, page.IsTruncated]).toEqual([undefined, false]);
    });
  });
}
