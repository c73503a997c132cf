// Looks after what an environment writes to its /tmp: on Lambda a write past the ephemeral storage fails with ENOSPC;
// a folder of this machine has no such limit, so here the environment is ended before it fills the developer's disk.
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentOptions } from './execution-environment.ts';
import type { FunctionLog } from './function-log.ts';
import { defaultStorageMb } from './function-spec.ts';

/** Reading every file's size takes its time: not at every look at the memory. */
const everyMs = 500;

export class StorageWatch {
  readonly #tmp: string;
  readonly #limitMb: number;
  readonly #log: FunctionLog;
  readonly #end: () => Promise<void>;
  #last = 0;
  #looking = false;

  /** @param end ends whatever writes there */
  constructor({ folder, spec, log }: EnvironmentOptions, end: () => Promise<void>) {
    this.#tmp = join(folder, 'tmp');
    this.#limitMb = spec.storageMb ?? defaultStorageMb;
    this.#log = log;
    this.#end = end;
  }

  /** Cheap to call often. */
  look(): void {
    const now = performance.now();
    if (this.#looking || now - this.#last < everyMs) return;
    this.#last = now;
    this.#looking = true;
    void this.#look().finally(() => {
      this.#looking = false;
    });
  }

  async #look(): Promise<void> {
    const mb = await usedMb(this.#tmp);
    if (mb <= this.#limitMb) return;
    this.#log.note(
      `${Math.round(mb)} MB in /tmp, and the function has ${this.#limitMb} MB of ephemeral storage: on Lambda the write fails with ENOSPC, here the environment ends`,
    );
    await this.#end();
    // What comes next would find it full again.
    await rm(this.#tmp, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    await mkdir(this.#tmp, { recursive: true }).catch(() => {});
  }
}

/** Of the blocks that are written: a sparse file's holes take no room. */
async function usedMb(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries.map(async (entry) => {
    if (!entry.isFile()) return 0;
    // What was removed meanwhile takes no room either.
    return await lstat(join(entry.parentPath, entry.name)).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    );
  });
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20;
}
