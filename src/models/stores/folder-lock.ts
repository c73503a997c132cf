// An exclusive lock file, for the compare-and-swap that a folder does not have.
import { randomUUID } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { GlowplugError } from '../../core/errors.ts';
import { ownerIsGone, temporaryPath, thisOwner } from '../owner.ts';
import { hasCode } from './has-code.ts';

export interface FolderLock extends AsyncDisposable {
  /** False when somebody took it for stale: what it protects must not be done any more. */
  held(): Promise<boolean>;
}

/**
 * Waits until `path` is ours. A lock is stale when its owner was a process of this host that is gone, or when the very
 * same lock stood there for `staleMs` of our own waiting: what it protects takes milliseconds, and only our own clock is
 * asked, so hosts that share the folder need not agree on the time. Only who holds the lock on a stale lock may remove it,
 * so two waiters never remove one another's.
 */
export async function lockFile(path: string, clock: Clock, signal?: AbortSignal): Promise<FolderLock> {
  const token = `${randomUUID()} ${thisOwner()}`;
  let seen: string | undefined;
  let since = clock.now();
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    if (await create(path, token)) return held(path, token);
    const other = await read(path);
    if (other === undefined) continue;
    if (other !== seen) {
      seen = other;
      since = clock.now();
    }
    const [id = '', owner = ''] = other.split(' ');
    if (ownerIsGone(owner) || clock.now() - since > staleMs) {
      await using breaker = await lockFile(`${path}.${id}`, clock, signal);
      if ((await breaker.held()) && (await read(path)) === other) await remove(path);
      continue;
    }
    if (attempt > maxAttempts) {
      throw new GlowplugError('STORE_UNAVAILABLE', `expected the lock ${path} to be free, ${owner} holds it`);
    }
    await clock.sleep(Math.min(50, 2 + attempt), signal);
  }
}

/** What the lock protects is one stat and one rename; a host under load, a sleeping laptop's disk. */
const staleMs = 10_000;
/** About a minute of waiting: then others come and go all the time. */
const maxAttempts = 1_200;

function held(path: string, token: string): FolderLock {
  return {
    held: async () => (await read(path)) === token,
    async [Symbol.asyncDispose]() {
      if ((await read(path)) === token) await remove(path);
    },
  };
}

/** By link, not by an exclusive open: whoever sees the lock sees its whole content. */
async function create(path: string, token: string): Promise<boolean> {
  const temporary = temporaryPath(dirname(path));
  await writeFile(temporary, token);
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await remove(temporary);
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
