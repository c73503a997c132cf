// What every store keeps to, whatever it is made of: each driver's test hands its store to this.
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/models/manifest.ts';
import { readAll } from '../../src/models/read-all.ts';
import type { ReadableStore, Store } from '../../src/models/stores/store.ts';
import { localFile } from './local-file.ts';

export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  /** Another client of the same store, which reads alone. */
  readonly reader: ReadableStore;
}

export function storeContract(what: string, open: () => Promise<TestStore>): void {
  describe(`${what} keeps the contract of stores`, () => {
    let opened: TestStore;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.[Symbol.asyncDispose]());

    const readers: [string, () => ReadableStore][] = [
      ['the store', () => opened.store],
      ['its reader', () => opened.reader],
    ];

    it.each(readers)('%s gives back what was put, with its size and one etag', async (who, reader) => {
      const key = `m/roundtrip-${who.length}`;
      const { etag } = await opened.store.put(key, bytes('hello'), { ifNoneMatch: '*' });
      const got = await reader().get(key);
      expect([await text(got?.body), got?.size, got?.etag]).toEqual(['hello', 5, etag]);
      expect(await opened.store.head(key)).toMatchObject({ etag, size: 5 });
    });

    it.each(readers)('%s gives the bytes of a range, and the size of the whole', async (who, reader) => {
      const key = `m/range-${who.length}`;
      await opened.store.put(key, bytes('0123456789'), { ifNoneMatch: '*' });
      const middle = await reader().get(key, { range: [2, 4] });
      expect([await text(middle?.body), middle?.size]).toEqual(['234', 10]);
      expect(await text((await reader().get(key, { range: [8, 99] }))?.body)).toBe('89');
      await expect(reader().get(key, { range: [10, 12] })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    });

    it.each(readers)(
      '%s gives 3 MB whole, and a body that is not read to its end does no harm',
      async (who, reader) => {
        const key = `m/large-${who.length}`;
        const large = new Uint8Array(3_000_000).map((_, index) => index % 251);
        const { etag } = await opened.store.put(key, large, { ifNoneMatch: '*' });
        const first = await reader().get(key);
        for await (const _ of first?.body ?? []) break;
        await (await reader().get(key))?.body.cancel();
        const got = await reader().get(key);
        expect(got?.etag).toBe(etag);
        expect(Buffer.compare(await readAll(got!.body, 4_000_000, key), large)).toBe(0);
      },
    );

    it.each(readers)('%s says undefined of what is not there', async (_who, reader) => {
      expect(await reader().get('m/absent')).toBeUndefined();
      expect(await reader().get('nowhere/at/all')).toBeUndefined();
      expect(await opened.store.head('m/absent')).toBeUndefined();
    });

    it.each(readers)('%s sends no body when the etag is still the one that was asked with', async (who, reader) => {
      const key = `m/unchanged-${who.length}`;
      const first = await opened.store.put(key, bytes('one'), { ifNoneMatch: '*' });
      const unchanged = await reader().get(key, { ifNoneMatch: first.etag });
      expect([unchanged?.etag, await text(unchanged?.body)]).toEqual([first.etag, '']);
      const second = await opened.store.put(key, bytes('two'), { ifMatch: first.etag });
      const changed = await reader().get(key, { ifNoneMatch: first.etag });
      expect([changed?.etag, await text(changed?.body)]).toEqual([second.etag, 'two']);
      expect(await reader().get('m/absent', { ifNoneMatch: first.etag })).toBeUndefined();
    });

    it.each(readers)('%s gives an empty object', async (who, reader) => {
      const key = `m/empty-${who.length}`;
      await opened.store.put(key, new Uint8Array(), { ifNoneMatch: '*' });
      const got = await reader().get(key);
      expect([await text(got?.body), got?.size]).toEqual(['', 0]);
    });

    it.each(readers)('%s rejects with the signal’s reason when it is aborted', async (_who, reader) => {
      const reason = new Error('the caller left');
      await expect(reader().get('m/absent', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    it('creates once: of 20 writers at once exactly one wins, and its bytes stay', async () => {
      const writers = Array.from({ length: 20 }, (_, index) => bytes(`writer ${index}`));
      const results = await Promise.allSettled(
        writers.map((body) => opened.store.put('m/once', body, { ifNoneMatch: '*' })),
      );
      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await text((await opened.store.get('m/once'))?.body)).toBe(`writer ${winners[0]}`);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'STORE_CONFLICT' });
      }
    });

    it('compares and swaps: of 20 writers with the same etag exactly one wins', async () => {
      const { etag } = await opened.store.put('m/swap', bytes('first'), { ifNoneMatch: '*' });
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => opened.store.put('m/swap', bytes(`new ${index}`), { ifMatch: etag })),
      );
      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await text((await opened.store.get('m/swap'))?.body)).toBe(`new ${winners[0]}`);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'STORE_CONFLICT' });
      }
    });

    it('refuses a swap with an etag that was, and of what is not there', async () => {
      const first = await opened.store.put('m/stale', bytes('a'), { ifNoneMatch: '*' });
      await opened.store.put('m/stale', bytes('b'), { ifMatch: first.etag });
      const stale = opened.store.put('m/stale', bytes('c'), { ifMatch: first.etag });
      await expect(stale).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
      const absent = opened.store.put('m/never', bytes('c'), { ifMatch: first.etag });
      await expect(absent).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    });

    it.each([
      ['3 bytes', 3],
      ['nothing', 0],
      ['20 MB and a bit', 20_000_001],
    ])('uploads a file of %s, tells each of its bytes once, and refuses to do it again', async (what, size) => {
      await using file = await localFile(size);
      const key = `m/upload-${size}`;
      let told = 0;
      await opened.store.upload(key, file.local, { onBytes: (count) => (told += count) });
      expect(told, what).toBe(size);
      const got = await opened.reader.get(key);
      expect(got?.size).toBe(size);
      expect(digestOf(await readAll(got!.body, size, key))).toBe(file.local.digest);
      const before = await opened.store.head(key);
      const again = opened.store.upload(key, file.local);
      await expect(again).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
      expect(await opened.store.head(key)).toEqual(before);
      expect(await unfinished(opened.store, 'm/')).toEqual([]);
    });

    it.each([5_000, 9_000_000])(
      'refuses to make an object of a file of %i bytes that changed since it was hashed',
      async (size) => {
        await using file = await localFile(size);
        const key = `m/changed-${size}`;
        await writeFile(file.local.path, Buffer.alloc(size, 7));
        await expect(opened.store.upload(key, file.local)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
        await writeFile(file.local.path, Buffer.alloc(size - 1, 7));
        await expect(opened.store.upload(key, file.local)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
        expect(await opened.store.head(key)).toBeUndefined();
        for await (const left of opened.store.unfinished('m/')) await left.remove();
      },
    );

    it('uploads the same file five times at once, and one of them makes it', async () => {
      await using file = await localFile(9_000_000);
      const uploads = Array.from({ length: 5 }, () => opened.store.upload('m/race', file.local));
      const results = await Promise.allSettled(uploads);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'STORE_CONFLICT' });
      }
      const got = await opened.store.get('m/race');
      expect(digestOf(await readAll(got!.body, 9_000_000, 'm/race'))).toBe(file.local.digest);
      expect(await unfinished(opened.store, 'm/race')).toEqual([]);
    });

    it('stops an upload with the signal’s reason', async () => {
      await using file = await localFile(20_000_000);
      const leaver = new AbortController();
      const upload = opened.store.upload('m/left', file.local, {
        signal: leaver.signal,
        onBytes: () => leaver.abort(new Error('left')),
      });
      await expect(upload).rejects.toThrow('left');
      expect(await opened.store.head('m/left')).toBeUndefined();
      for await (const left of opened.store.unfinished('m/left')) await left.remove();
      expect(await unfinished(opened.store, 'm/')).toEqual([]);
    });

    it('deletes a key, and says nothing of one that is not there', async () => {
      await opened.store.put('m/doomed', bytes('x'), { ifNoneMatch: '*' });
      await opened.store.delete('m/doomed');
      await opened.store.delete('m/doomed');
      expect(await opened.store.get('m/doomed')).toBeUndefined();
      await opened.store.put('m/doomed', bytes('y'), { ifNoneMatch: '*' });
    });

    it('knows when a key was written', async () => {
      const before = Date.now();
      await opened.store.put('m/when', bytes('x'), { ifNoneMatch: '*' });
      // HTTP's dates are whole seconds.
      const { modified } = (await opened.store.head('m/when'))!;
      expect(modified).toBeGreaterThan(before - 1_001);
      expect(modified).toBeLessThanOrEqual(Date.now());
    });

    it('lists the keys under a prefix in order, and nothing else', async () => {
      for (const key of ['list/b', 'listing', 'list/a/c']) {
        await opened.store.put(key, bytes(key), { ifNoneMatch: '*' });
      }
      expect(await keys(opened.store.list('list/'))).toEqual(['list/a/c', 'list/b']);
      expect(await keys(opened.store.list('list'))).toEqual(['list/a/c', 'list/b', 'listing']);
      expect(await keys(opened.store.list('none/'))).toEqual([]);
    });
  });
}

async function unfinished(store: Store, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.unfinished(prefix)) found.push(key);
  return found;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function text(body: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  return body ? new TextDecoder().decode(await readAll(body, 1_000_000, 'a test')) : 'no body';
}

async function keys(listed: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const key of listed) found.push(key);
  return found;
}
