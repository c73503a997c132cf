// A version whose files stay while somebody has them open, whoever else makes room in the cache.
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { type FetchOptions, fetchVersion } from './fetch.ts';
import { ownerIsGone, thisOwner } from './owner.ts';
import { hasCode } from './stores/has-code.ts';
import type { ReadableStore } from './stores/store.ts';
import type { FetchedVersion, LockedVersion } from './version.ts';

/** Its paths are good until it is disposed. */
export type HeldVersion = FetchedVersion & AsyncDisposable;

/**
 * Fetches what is not there and gives each blob a second name of our own. Making one is atomic: it is there with its
 * bytes, or the blob had gone and is fetched again; removing the first name afterwards takes nothing away.
 *
 * @throws what fetchVersion throws
 */
export async function holdVersion(
  store: ReadableStore,
  locked: LockedVersion,
  options: FetchOptions,
): Promise<HeldVersion> {
  const cache = resolve(options.cacheDir);
  const holds = join(cache, 'held');
  const folder = join(holds, `${randomUUID()}.${thisOwner()}`);
  for (let attempt = 1; ; attempt++) {
    const { paths } = await fetchVersion(store, locked, options);
    try {
      await sweep(holds);
      await mkdir(folder, { recursive: true });
      const held = Object.entries(paths).map(async ([name, path]) => {
        // What the read-only folder has is not ours to name, nor to remove.
        if (!path.startsWith(cache + sep)) return [name, path] as const;
        const own = join(folder, basename(path));
        await link(path, own).catch(sameBlobTwice);
        return [name, own] as const;
      });
      const named = Object.fromEntries(await Promise.all(held));
      return {
        locked,
        paths: named,
        [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
      };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      if (!hasCode(error, 'ENOENT') || attempt === attempts) throw unusable(error, dirname(folder));
    }
  }
}

/** Each time another process removed a blob between its fetch and its second name: once is rare. */
const attempts = 3;

/** Two files of a version may have the same bytes. */
function sameBlobTwice(error: unknown): void {
  if (!hasCode(error, 'EEXIST')) throw error;
}

/** What a process that was killed held would stay for ever. A process that starts anew may get its old number. */
async function sweep(holds: string): Promise<void> {
  const names = await readdir(holds).catch(() => []);
  const started = Date.now() - process.uptime() * 1000;
  for (const name of names) {
    const owner = name.slice(uuidLength + 1);
    const path = join(holds, name);
    const gone =
      ownerIsGone(owner) ||
      (owner === thisOwner() && ((await stat(path).catch(() => undefined))?.mtimeMs ?? started) < started - 1000);
    if (gone) await rm(path, { recursive: true, force: true });
  }
}

const uuidLength = 36;

function unusable(error: unknown, folder: string): unknown {
  if (!hasCode(error, 'EPERM', 'ENOSYS', 'EMLINK', 'EACCES', 'EROFS', 'ENOENT')) return error;
  return new GlowplugError('CONFIG_INVALID', `expected to be able to make a second name of a file in ${folder}`, {
    cause: error,
    remedy: 'Let GLOWPLUG_CACHE name a folder on a disk of this machine that knows hard links.',
  });
}
