// A version whose files stay while somebody has them open, whoever else makes room in the cache.
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
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
  try {
    // While the bytes travel.
    const ready = mkdir(folder, { recursive: true }).then(() => sweep(holds));
    for (let attempt = 1; ; attempt++) {
      const [{ paths }] = await Promise.all([fetchVersion(store, locked, options), ready]);
      // What the read-only folder has is not ours to name, nor to remove.
      const own = Object.entries(paths).filter(([, path]) => path.startsWith(cache + sep));
      const held = await Promise.all(own.map(async ([, path]) => await hold(path, ownPath(path))));
      if (held.every(Boolean)) {
        const named = Object.fromEntries(own.map(([name, path]) => [name, ownPath(path)]));
        return { locked, paths: { ...paths, ...named }, [Symbol.asyncDispose]: letGo };
      }
      if (attempt === attempts) throw gone(locked, cache);
    }
  } catch (error) {
    // What failed first is told, not what that keeps from being removed.
    await letGo().catch(() => {});
    throw unusable(error, holds);
  }

  function ownPath(path: string): string {
    return join(folder, basename(path));
  }

  async function letGo(): Promise<void> {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is held already stays so: each time another process removed a blob between its fetch and its second name. */
const attempts = 10;

/** False when the blob has gone. */
async function hold(path: string, own: string): Promise<boolean> {
  try {
    await link(path, own);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    // Held by the attempt before, or two files of a version with the same bytes.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  return true;
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

function gone(locked: LockedVersion, cache: string): GlowplugError {
  const what = `${locked.model}:${locked.version}`;
  return new GlowplugError('CONFIG_INVALID', `expected ${what} to stay in ${cache}, it was removed ${attempts} times`, {
    remedy: 'Look at who else removes files there, or raise GLOWPLUG_CACHE_MB.',
  });
}

function unusable(error: unknown, folder: string): unknown {
  if (!hasCode(error, 'EPERM', 'ENOSYS', 'EMLINK', 'EXDEV', 'EACCES', 'EROFS', 'ENOTDIR')) return error;
  return new GlowplugError('CONFIG_INVALID', `expected to be able to make a second name of a file in ${folder}`, {
    cause: error,
    remedy: 'Let GLOWPLUG_CACHE name a folder on a disk of this machine that knows hard links.',
  });
}
