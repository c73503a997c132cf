// The blobs on this disk: which of them are sound, and room for the next one. Several processes and workers may share the
// folder; nothing here needs a lock (docs/decisions/follow-and-cache.md).
import { createHash } from 'node:crypto';
// `node:fs/promises` takes 3 ms to load, which a cold start has no use for: `promises` is loaded when it is touched.
import { createReadStream, promises, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasCode } from './stores/has-code.ts';
import { untimed, type Verifying } from './verified-file.ts';
import type { Digest } from './version.ts';

export function cachePath(cacheDir: string, digest: Digest): string {
  return join(blobFolder(cacheDir), digest.slice('sha256:'.length));
}

/** State of the environment: the files that this process has hashed, as it found them. */
const hashed = new Map<string, string>();

export type Soundness = 'sound' | 'absent' | 'wrong';

/**
 * Whether `path` holds these bytes. They are hashed once in each process, before their first use: who wrote them, and
 * what became of them since, this process does not know.
 */
export async function soundness(
  path: string,
  { digest, size }: { digest: Digest; size: number },
  verifying: Verifying = untimed,
): Promise<Soundness> {
  const mark = markOf(path);
  if (!mark) return 'absent';
  if (mark.size !== size) return 'wrong';
  if (hashed.get(path) === mark.text) return 'sound';
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
      verifying(() => hash.update(chunk));
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'absent';
    throw error;
  }
  if (`sha256:${hash.digest('hex')}` !== digest) return 'wrong';
  hashed.set(path, mark.text);
  return 'sound';
}

/** Its bytes were hashed on their way here. */
export function markSound(path: string): void {
  const mark = markOf(path);
  if (mark) hashed.set(path, mark.text);
}

/** So that it is not the one used longest ago. */
export async function touch(path: string, now = new Date()): Promise<void> {
  await promises.utimes(path, now, now).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
}

/**
 * Removes blobs, those used longest ago first, until `bytes` more fit. One that is held (`makeHold`) stays, and so does
 * one that was used within the last minute: it may be about to be held.
 */
export async function makeRoom(
  cacheDir: string,
  bytes: number,
  limit: number | undefined,
  now = Date.now(),
): Promise<void> {
  const folder = blobFolder(cacheDir);
  const blobs = await list(folder);
  let used = blobs.reduce((sum, blob) => sum + blob.size, 0);
  if (used === 0) return;
  const most = limit ?? (await defaultLimit(folder));
  for (const blob of blobs.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (used + bytes <= most) return;
    // A second name: a session holds it, and removing this one would free nothing.
    if (blob.nlink > 1 || now - blob.mtimeMs < youngMs) continue;
    await promises.rm(blob.path, { force: true });
    hashed.delete(blob.path);
    used -= blob.size;
  }
}

const youngMs = 60_000;
const chunkBytes = 1024 * 1024;
/** The rest of /tmp is the function's own. */
const shareOfDisk = 0.75;
const mostByDefault = 10e9;

function blobFolder(cacheDir: string): string {
  return join(resolve(cacheDir), 'sha256');
}

async function list(folder: string) {
  const blobs = namesIn(folder)
    .filter((name) => !name.startsWith('.'))
    .map(async (name) => {
      const path = join(folder, name);
      const found = await promises.stat(path).catch(() => undefined);
      return found ? [{ path, size: found.size, mtimeMs: found.mtimeMs, nlink: found.nlink }] : [];
    });
  return (await Promise.all(blobs)).flat();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    // Whoever writes into it says what is wrong with it.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function defaultLimit(folder: string): Promise<number> {
  const { blocks, bsize } = await promises.statfs(folder);
  return Math.min(mostByDefault, blocks * bsize * shareOfDisk);
}

/** Another file under the same name has another inode: names are given by rename alone. */
function markOf(path: string): { text: string; size: number } | undefined {
  try {
    const found = statSync(path);
    return found.isFile() ? { text: `${found.ino} ${found.size}`, size: found.size } : undefined;
  } catch {
    return undefined;
  }
}
