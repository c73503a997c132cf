// Every document that a store holds keeps to OCI's schemas, so that any OCI tool can read it (test/peers lets one do so).
import { describe, expect, it } from 'vitest';
import { blobsOf } from '../../src/models/manifest.ts';
import { prune } from '../../src/models/prune.ts';
import { publish } from '../../src/models/publish.ts';
import { tag } from '../../src/models/tag.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { memoryStore } from './memory-store.ts';
import { indexFaults, layoutFaults, manifestFaults } from './oci-schema.ts';
import { twoVariants } from './two-variants.ts';

describe('a model in the store is an OCI image layout', () => {
  it('whose documents have no fault, variants and the mark of a prune included', async () => {
    const { store, objects } = memoryStore();
    await publish(store, twoVariants('1.0.0'));
    await publish(store, tinyVersion('2.0.0'));
    await tag(store, 'tiny', { from: '1.0.0', to: 'prod' });
    await store.put(`tiny/blobs/sha256/${'0'.repeat(64)}`, Buffer.from('orphan'), { ifNoneMatch: '*' });
    await prune(store, 'tiny', { before: 1, remove: true });
    const json = (key: string) => JSON.parse(new TextDecoder().decode(objects.get(key)?.bytes));
    expect(layoutFaults(json('tiny/oci-layout'))).toEqual([]);
    expect(indexFaults(json('tiny/index.json'))).toEqual([]);
    let [indexes, manifests] = [0, 0];
    for (const [key, { bytes }] of objects) {
      if (!key.startsWith('tiny/blobs/') || bytes[0] !== '{'.charCodeAt(0)) continue;
      const document = json(key);
      if (document.manifests) {
        indexes++;
        expect(indexFaults(document), key).toEqual([]);
      } else if (document.layers) {
        manifests++;
        expect(manifestFaults(document), key).toEqual([]);
        for (const { digest, size } of blobsOf(bytes)) {
          expect(objects.get(`tiny/blobs/sha256/${digest.slice(7)}`)?.bytes.length).toBe(size);
        }
      }
    }
    expect([indexes, manifests]).toEqual([1, 3]);
  });

  it('and the schemas find what is wrong with a document', () => {
    expect(layoutFaults({})).toHaveLength(1);
    expect(indexFaults({ schemaVersion: 1, manifests: [{}] })).toHaveLength(5);
    expect(manifestFaults({ schemaVersion: 2, layers: [] })).toContain('layers has no item');
  });
});
