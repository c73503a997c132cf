// A store in memory, for tests that need thousands of them.
import { createHash } from 'node:crypto';
import { GlowplugError } from '../../src/core/errors.ts';
import type { Store } from '../../src/models/stores/store.ts';

export interface MemoryStore {
  readonly store: Store;
  readonly objects: Map<string, { bytes: Uint8Array; modified: number }>;
}

/** Over `objects`, by key: hand it a copy of a map, and it is a copy of a store. */
export function memoryStore(objects: MemoryStore['objects'] = new Map()): MemoryStore {
  const store: Store = {
    name: 'memory',
    async get(key) {
      const bytes = objects.get(key)?.bytes;
      return bytes && { etag: etagOf(bytes), size: bytes.length, body: ReadableStream.from([bytes]) };
    },
    async head(key) {
      const bytes = objects.get(key)?.bytes;
      return bytes && { etag: etagOf(bytes), size: bytes.length };
    },
    async put(key, body, condition) {
      const there = objects.get(key)?.bytes;
      const holds = 'ifMatch' in condition ? etagOf(there) === condition.ifMatch : !there;
      if (!holds) throw new GlowplugError('STORE_CONFLICT', `expected ${key} to be as the condition says`);
      objects.set(key, { bytes: Uint8Array.from(body), modified: 0 });
      return { etag: etagOf(body) };
    },
    async *list(prefix) {
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
  };
  return { store, objects };
}

function etagOf(bytes: Uint8Array | undefined): string {
  return bytes ? createHash('md5').update(bytes).digest('hex') : 'none';
}
