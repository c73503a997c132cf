// A store in memory, for tests that need thousands of them. It passes the contract of stores as the real ones do.
import { createHash } from 'node:crypto';
import { GlowplugError } from '../../src/core/errors.ts';
import type { Store } from '../../src/models/stores/store.ts';

/** Over `objects`, by key: hand it a copy of a map, and it is a copy of a store. */
export function memoryStore(objects = new Map<string, Uint8Array>()): Store {
  const etagOf = (bytes: Uint8Array) => `"${createHash('sha256').update(bytes).digest('hex')}"`;
  return {
    name: 'memory',
    async get(key, { range, signal } = {}) {
      signal?.throwIfAborted();
      const bytes = objects.get(key);
      if (!bytes) return undefined;
      const size = bytes.length;
      if (range && range[0] >= size) throw new GlowplugError('STORE_UNAVAILABLE', `expected bytes from ${range[0]}`);
      const part = range ? bytes.subarray(range[0], range[1] + 1) : bytes;
      return { etag: etagOf(bytes), size, body: ReadableStream.from(part.length > 0 ? [part] : []) };
    },
    async head(key, { signal } = {}) {
      signal?.throwIfAborted();
      const bytes = objects.get(key);
      return bytes && { etag: etagOf(bytes), size: bytes.length };
    },
    async put(key, body, condition) {
      const there = objects.get(key);
      const holds = 'ifMatch' in condition ? there && etagOf(there) === condition.ifMatch : !there;
      if (!holds) throw new GlowplugError('STORE_CONFLICT', `expected ${key} to be as the condition says`);
      objects.set(key, Uint8Array.from(body));
      return { etag: etagOf(body) };
    },
    async *list(prefix) {
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
  };
}
