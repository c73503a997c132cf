// The functions of an app by their folders, and what is said to who names another.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type FunctionSource, findFunctions } from '../build/find-functions.ts';
import { GlowplugError } from '../core/errors.ts';

export function functionNames(root: string): string[] {
  return findFunctions(root).map(({ name }) => name);
}

/** @throws GlowplugError NOT_FOUND */
export function functionNamed(root: string, name: string): FunctionSource {
  const found = findFunctions(root).find((one) => one.name === name);
  if (found) return found;
  throw unknownFunction(name, functionNames(root), 'Name a folder of functions/ that holds a function.ts.');
}

/** Folders that look like a function's and are none: no function.ts, and no code beside an index.ts. */
export async function foldersWithoutFunction(root: string): Promise<string[]> {
  const folder = join(root, 'functions');
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.flatMap((entry) => (entry.isDirectory() ? entry.name : [])).sort();
  const code = await Promise.all(
    names.map(async (name) => (await readdir(join(folder, name))).filter((file) => /\.[cm]?[jt]s$/.test(file))),
  );
  return names.filter((_, at) => code[at]?.every((file) => file.startsWith('index.')));
}

export function unknownFunction(
  name: string,
  known: readonly string[],
  remedy = 'Name a folder of functions/ that infra deploys.',
): GlowplugError {
  const names = known.join(', ') || '(there are none)';
  return new GlowplugError('NOT_FOUND', `expected one of the functions ${names}; got ${name}`, { remedy });
}
