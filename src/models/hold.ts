// A folder of our own in the cache, for one version: bytes that have a name in it stay, whoever else makes room.
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, promises, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { ownerIsGone, thisOwner } from './owner.ts';
import { hasCode } from './stores/has-code.ts';
import { onDisk } from './verified-file.ts';

/** Disposing it takes the names away, not the bytes from a session that has mapped them. */
export interface Hold extends AsyncDisposable {
  readonly folder: string;
  /** What killed processes held is gone. Never rejects. */
  readonly swept: Promise<void>;
  /**
   * Gives what `bring` brings a second name in the folder, and resolves with it. Making one is atomic: it is there with its
   * bytes, or the blob had gone and is brought again; removing the first name afterwards takes nothing away.
   *
   * @throws GlowplugError CONFIG_INVALID; what `bring` throws
   */
  keep(name: string, bring: () => Promise<string>): Promise<string>;
}

/** @throws GlowplugError CONFIG_INVALID, DISK_FULL */
export function makeHold(cacheDir: string): Hold {
  const cache = resolve(cacheDir);
  const holds = join(cache, 'held');
  const folder = join(holds, `${randomUUID()}.${thisOwner()}`);
  onDisk(holds, () => mkdirSync(folder, { recursive: true }));
  return {
    folder,
    swept: sweep(holds).catch(() => {}),
    async keep(name, bring) {
      const own = join(folder, name);
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const path = await bring();
        // What a read-only folder has is not ours to give another name.
        const give = path.startsWith(cache + sep) ? linkSync : symlinkSync;
        if (isGiven(() => give(path, own), holds)) return own;
      }
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected ${name} to stay in ${cache}, it was removed ${attempts} times`,
        { remedy: 'Look at who else removes files there, or raise GLOWPLUG_CACHE_MB.' },
      );
    },
    [Symbol.asyncDispose]: () => promises.rm(folder, { recursive: true, force: true }),
  };
}

/** Each time another process removed a blob between its fetch and its second name. */
const attempts = 10;

/** False when the blob has gone. */
function isGiven(give: () => void, folder: string): boolean {
  try {
    give();
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    if (!hasCode(error, 'EPERM', 'ENOSYS', 'EMLINK', 'EXDEV', 'EACCES', 'EROFS', 'ENOTDIR')) throw error;
    throw new GlowplugError('CONFIG_INVALID', `expected to be able to make a second name of a file in ${folder}`, {
      cause: error,
      remedy: 'Let GLOWPLUG_CACHE name a folder on a disk of this machine that knows hard links.',
    });
  }
}

/** When this process began, by the clock that files have; a restored snapshot keeps what it said before. */
let started: number | undefined;

/** What a process that was killed held would stay for ever. A process that starts anew may get its old number. */
async function sweep(holds: string): Promise<void> {
  started ??= Date.now() - process.uptime() * 1000;
  const first = started - 1000;
  for (const name of readdirSync(holds)) {
    const owner = name.slice(uuidLength + 1);
    const path = join(holds, name);
    const gone =
      ownerIsGone(owner) ||
      (owner === thisOwner() && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? first) < first);
    if (gone) await promises.rm(path, { recursive: true, force: true });
  }
}

const uuidLength = 36;
