// The references that the functions of an app use, read from their sources, so that a lock file needs no bundle.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

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
    for (const reference of referencesIn(await readFile(join(parentPath, name), 'utf8'))) found.add(reference);
  }
  return [...found].sort();
}

function* referencesIn(source: string): Generator<string> {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  for (const [, body = ''] of code.matchAll(/\bmodels:\s*\{([^{}]*)\}/g)) {
    for (const [, , value = ''] of body.matchAll(/:\s*(["'`])([^"'`]*)\1/g)) {
      if (/^[a-z0-9][a-z0-9._/-]*[:@]/.test(value)) yield value;
    }
  }
}
