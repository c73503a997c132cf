// A store in memory whose every operation goes through `step`, so that a test decides in what order racing ones happen.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { GlowplugError } from '../../src/core/errors.ts';
import type { Store } from '../../src/models/stores/store.ts';

export interface MemoryStore {
  readonly store: Store;
  readonly objects: Map<string, { bytes: Uint8Array; modified: number }>;
}

/** Etags are of the content, as S3's are: an index that is what it once was has the etag it once had. */
export function memoryStore(
  objects: MemoryStore['objects'] = new Map(),
  step: (what: string) => Promise<void> = async () => {},
  now: () => number = () => 0,
): MemoryStore {
  const create = (key: string, bytes: Uint8Array) => {
    if (objects.has(key)) throw new GlowplugError('STORE_CONFLICT', `${key} is there`);
    objects.set(key, { bytes, modified: now() });
  };
  const store: Store = {
    name: 'memory',
    async get(key, { range } = {}) {
      await step(`get ${key}`);
      const bytes = objects.get(key)?.bytes;
      if (!bytes) return undefined;
      const part = range ? bytes.subarray(range[0], range[1] + 1) : bytes;
      return { etag: etagOf(bytes), size: bytes.length, body: ReadableStream.from([part]) };
    },
    async head(key) {
      await step(`head ${key}`);
      const found = objects.get(key);
      return found && { etag: etagOf(found.bytes), size: found.bytes.length, modified: found.modified };
    },
    async put(key, body, condition) {
      await step(`put ${key}`);
      if ('ifNoneMatch' in condition) create(key, body);
      else if (condition.ifMatch === etagOf(objects.get(key)?.bytes))
        objects.set(key, { bytes: body, modified: now() });
      else throw new GlowplugError('STORE_CONFLICT', `${key} changed`);
      return { etag: etagOf(body) };
    },
    async upload(key, file) {
      const bytes = await readFile(file.path);
      await step(`put ${key}`);
      create(key, bytes);
    },
    async delete(key) {
      await step(`delete ${key}`);
      objects.delete(key);
    },
    async *list(prefix) {
      await step(`list ${prefix}`);
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    async *unfinished() {},
  };
  return { store, objects };
}

function etagOf(bytes: Uint8Array | undefined): string {
  return bytes ? createHash('md5').update(bytes).digest('hex') : 'none';
}
