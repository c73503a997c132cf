// Bytes that publishing made, as a file that is sent from this disk in parts, as those of a definition are.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '../models/hash-file.ts';
import { digestOf } from '../models/manifest.ts';
import { sweepTemporary, temporaryPath } from '../models/owner.ts';
import type { LocalFile } from '../models/version.ts';

/** In `.glowplug/generated` under `root`, named by their digest: made once, whoever else builds the same version. */
export async function keepGenerated(bytes: Uint8Array, root: string): Promise<LocalFile> {
  const folder = join(root, '.glowplug', 'generated');
  const digest = digestOf(bytes);
  const path = join(folder, digest.slice('sha256:'.length));
  const there = await hashFile(path).catch(() => undefined);
  if (there?.digest === digest) return there;
  await mkdir(folder, { recursive: true });
  await sweepTemporary(folder);
  const temporary = temporaryPath(folder);
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return await hashFile(path);
}
