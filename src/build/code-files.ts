// The files that a bundle's handler is loaded from, wherever the bundle lies.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from './project.ts';

/** In the order in which they are loaded; not every bundle has the last. */
export const codeFiles = ['start.js', 'index.js', 'later.js'] as const;

/** sha256 (hex) of the code in the folder; undefined where there is none. */
export function codeDigest(folder: string): string | undefined {
  const files = codeFiles.filter((file) => existsSync(join(folder, file)));
  if (files.length === 0) return undefined;
  return sha256(JSON.stringify(files.map((file) => sha256(readFileSync(join(folder, file))))));
}
