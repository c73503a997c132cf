// Where a project begins, and how its generated files come to be: whole, or not at all.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { GlowplugError } from '../core/errors.ts';

/** The nearest folder at or above `from` that holds a package.json. */
export function projectRoot(from: string = process.cwd()): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) {
      throw new GlowplugError('CONFIG_INVALID', `expected a package.json in ${from} or above it, found none`, {
        remedy: 'Run it inside the project, or pass root.',
      });
    }
  }
}

/** Everything that builds write lies here, under the project. */
export const buildFolder = join('.glowplug', 'build');

/** Another process that reads `path` sees the old bytes or the new ones. */
export function writeWhole(path: string, bytes: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  writeFileSync(temporary, bytes, { mode: 0o644 });
  renameSync(temporary, path);
}

/** The JSON of a file that we wrote ourselves; undefined when it is absent or was cut off, so that it is made anew. */
export function readRecord(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
