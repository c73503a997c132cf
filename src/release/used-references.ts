// The references that the functions of an app use, read from their sources, so that a lock file needs no bundle.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { referencesIn } from '../models/references-in.ts';

/**
 * The string values of any `models: { … }` under functions/, sorted. A reference that is put together at run time is not
 * found: hand it to writeLock.
 */
export async function usedReferences(root: string): Promise<string[]> {
  const folder = join(root, 'functions');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sources = entries.filter((entry) => entry.isFile() && /(?<!\.(d|test))\.[mc]?[jt]sx?$/.test(entry.name));
  const found = new Set<string>();
  for (const { parentPath, name } of sources) {
    if (parentPath.split(/[\\/]/).includes('node_modules')) continue;
    const source = await readFile(join(parentPath, name), 'utf8');
    for (const reference of referencesIn(withoutComments(source))) found.add(reference);
  }
  return [...found].sort();
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}
