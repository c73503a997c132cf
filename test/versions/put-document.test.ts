import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/models/manifest.ts';
import { editIndex, readIndex } from '../../src/models/model-index.ts';
import { withMark, writeMark } from '../../src/models/prune-mark.ts';
import { putDocument } from '../../src/models/put-document.ts';
import { memoryStore } from './memory-store.ts';

describe('a document that prune is deleting', () => {
  it('is put again after the deletion, not taken for being there', async () => {
    const { store } = memoryStore();
    const bytes = Buffer.from('a page of history');
    const key = `tiny/blobs/sha256/${digestOf(bytes).slice(7)}`;
    await store.put(key, bytes, { ifNoneMatch: '*' });
    const mark = await writeMark(store, 'tiny', [digestOf(bytes)]);
    await editIndex(store, 'tiny', (manifests) => withMark(manifests, mark, 'sweeping'));
    const index = await readIndex(store, 'tiny');

    let now = 0;
    const clock = {
      now: () => now,
      // While the writer sleeps, prune deletes and ends.
      async sleep(ms: number) {
        now += ms;
        await store.delete(key);
        await editIndex(store, 'tiny', (manifests) => withMark(manifests, mark, 'done'));
      },
    };
    await putDocument(store, 'tiny', bytes, index?.manifests ?? [], clock);
    expect(await store.head(key)).toMatchObject({ size: bytes.length });
  });
});
