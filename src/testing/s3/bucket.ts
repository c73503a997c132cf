// One bucket on disk: `keys/<hash>.json` (a record a key), `data/<uuid>` (bytes, written once), `uploads/<id>/`.
// A record is replaced by rename, so a killed process leaves the old state or the new one, never half of one.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Error, systemCode } from './errors.ts';
import { KeyIndex } from './key-index.ts';
import { KeyedLock } from './keyed-lock.ts';
import { filesOf, isObject, type KeyRecord, parseRecord } from './record.ts';

export type VersioningStatus = 'Enabled' | 'Suspended' | undefined;

export interface BucketFacts {
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly versioning?: VersioningStatus;
  /** The region that CreateBucket asked for. */
  readonly location?: string;
}

/** File names that were there at the start. */
interface Found {
  readonly records: readonly string[];
  readonly data: readonly string[];
}

export class Bucket {
  readonly name: string;
  readonly folder: string;
  /** Where unfinished writes live; on the same disk, so that rename is atomic. */
  readonly tmp: string;
  facts: BucketFacts;
  readonly locks = new KeyedLock();
  readonly #index = new KeyIndex();
  readonly #loaded: Promise<void>;
  /** Data files being read, with their readers; `doomed` ones go with the last reader. */
  readonly #readers = new Map<string, number>();
  readonly #doomed = new Set<string>();

  private constructor(name: string, folder: string, tmp: string, facts: BucketFacts, found: Found) {
    this.name = name;
    this.folder = folder;
    this.tmp = tmp;
    this.facts = facts;
    this.#loaded = this.#load(found);
    // Whoever lists sees the failure; a bucket that nobody lists must not end the process.
    this.#loaded.catch(() => {});
  }

  static async open(buckets: string, name: string, tmp: string): Promise<Bucket> {
    const folder = join(buckets, name);
    const facts: unknown = JSON.parse(await readFile(join(folder, 'bucket.json'), 'utf8'));
    if (!isObject(facts) || typeof facts['created'] !== 'number') throw new Error(`bucket.json of ${name} is damaged`);
    const { versioning, location } = facts;
    const checked = {
      created: facts['created'],
      ...(versioning === 'Enabled' || versioning === 'Suspended' ? { versioning } : {}),
      ...(typeof location === 'string' ? { location } : {}),
    } satisfies BucketFacts;
    // Read before the first request is served, so that nothing written from then on can be taken for a leftover.
    const [records, data] = await Promise.all([readdir(join(folder, 'keys')), readdir(join(folder, 'data'))]);
    return new Bucket(name, folder, tmp, checked, { records, data });
  }

  /** Undefined when there is a bucket of that name. */
  static async create(buckets: string, name: string, tmp: string, facts: BucketFacts): Promise<Bucket | undefined> {
    const draft = join(tmp, randomUUID());
    for (const part of ['keys', 'data', 'uploads']) await mkdir(join(draft, part), { recursive: true });
    await writeFile(join(draft, 'bucket.json'), JSON.stringify(facts));
    try {
      await rename(draft, join(buckets, name));
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      if (systemCode(error) === 'ENOTEMPTY' || systemCode(error) === 'EEXIST') return undefined;
      throw error;
    }
    return new Bucket(name, join(buckets, name), tmp, facts, { records: [], data: [] });
  }

  dataPath(file: string): string {
    return join(this.folder, 'data', file);
  }

  async setFacts(facts: BucketFacts): Promise<void> {
    await this.locks.run('bucket.json', () => this.replace(join(this.folder, 'bucket.json'), facts));
    this.facts = facts;
  }

  /** Writes JSON so that a reader, or a kill, finds the old or the new. */
  async replace(path: string, value: unknown): Promise<void> {
    const draft = join(this.tmp, randomUUID());
    try {
      await writeFile(draft, JSON.stringify(value), { flag: 'wx' });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  /**
   * Picks from a key's record and keeps the picked data files on disk until `release` is called, whatever is written or
   * deleted meanwhile.
   */
  async read<T extends { readonly segments: readonly { readonly file: string }[] }>(
    key: string,
    pick: (record: KeyRecord | undefined) => T,
  ): Promise<{ picked: T; release: () => void }> {
    return this.locks.run(`key:${key}`, async () => {
      const picked = pick(await this.#readRecord(key));
      return { picked, release: this.#hold(picked.segments.map((segment) => segment.file)) };
    });
  }

  /**
   * Replaces a key's record by what `change` answers (undefined: no record), alone under the key's lock: conditions are
   * checked in `change`, and data files that the new record no longer names are deleted.
   */
  async update<T>(
    key: string,
    change: (record: KeyRecord | undefined) => Promise<{ record: KeyRecord | undefined; result: T }>,
  ): Promise<T> {
    return this.locks.run(`key:${key}`, async () => {
      const before = await this.#readRecord(key);
      const { record, result } = await change(before);
      if (record) await this.replace(this.#recordPath(key), record);
      else if (before) await unlink(this.#recordPath(key));
      if (record) this.#index.set(record);
      else this.#index.delete(key);
      const kept = new Set(filesOf(record));
      this.discard(filesOf(before).filter((file) => !kept.has(file)));
      return result;
    });
  }

  /** Deletes data files, each as soon as nobody reads it. A file that stays behind is swept at the next start. */
  discard(files: readonly string[]): void {
    for (const file of files) {
      if (this.#readers.has(file)) this.#doomed.add(file);
      else unlink(this.dataPath(file)).catch(() => {});
    }
  }

  /** All keys in order. The first call after a start waits until the records are read. */
  async index(): Promise<KeyIndex> {
    await this.#loaded;
    return this.#index;
  }

  /** The server must not end before the sweep does, or it would work in a folder that is no longer its own. */
  async settled(): Promise<void> {
    await this.#loaded.catch(() => {});
  }

  #hold(files: readonly string[]): () => void {
    for (const file of files) this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const file of files) {
        const others = this.#readers.get(file)! - 1;
        if (others > 0) this.#readers.set(file, others);
        else this.#readers.delete(file);
        if (others === 0 && this.#doomed.delete(file)) this.discard([file]);
      }
    };
  }

  async #readRecord(key: string): Promise<KeyRecord | undefined> {
    return parseRecord(await readIfThere(this.#recordPath(key)));
  }

  /** A hash, never the key: keys hold `../`, slashes at the end, and more bytes than a file name may. */
  #recordPath(key: string): string {
    return join(this.folder, 'keys', `${createHash('sha256').update(key).digest('hex')}.json`);
  }

  /** Fills the index, then sweeps data files that no record names: uploads that a kill cut off. */
  async #load(found: Found): Promise<void> {
    const leftover = new Set(found.data);
    const queue = found.records.values();
    const worker = async () => {
      for (const name of queue) {
        const seen = parseRecord(await readIfThere(join(this.folder, 'keys', name)));
        if (!seen) continue;
        await this.locks.run(`key:${seen.key}`, async () => {
          const record = await this.#readRecord(seen.key);
          if (record) this.#index.set(record);
        });
        for (const file of filesOf(seen)) leftover.delete(file);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    for (const file of leftover) await rm(this.dataPath(file), { force: true });
  }
}

/** Answers whatever `error` was about a bucket that is absent. */
export function bucketOf(buckets: ReadonlyMap<string, Bucket>, name: string): Bucket {
  const bucket = buckets.get(name);
  if (!bucket) throw new S3Error('NoSuchBucket', { fields: { BucketName: name.slice(0, 63) } });
  return bucket;
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
