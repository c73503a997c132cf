// The functions of an app by their folders, and what is said to who names another.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';

/** Folders under functions/ that hold a function.ts, in order. */
export async function functionNames(root: string): Promise<string[]> {
  const names = await foldersIn(join(root, 'functions'));
  return names.filter((name) => existsSync(join(root, 'functions', name, 'function.ts')));
}

/** Folders that look like a function's and are none: no function.ts, and no code beside an index.ts. */
export async function foldersWithoutFunction(root: string): Promise<string[]> {
  const names = await foldersIn(join(root, 'functions'));
  const code = await Promise.all(
    names.map(async (name) =>
      (await readdir(join(root, 'functions', name))).filter((file) => /\.[cm]?[jt]s$/.test(file)),
    ),
  );
  return names.filter((_, at) => code[at]?.every((file) => file.startsWith('index.')));
}

export function unknownFunction(name: string, known: readonly string[]): GlowplugError {
  return new GlowplugError('NOT_FOUND', `expected one of the functions ${known.join(', ')}; got ${name}`, {
    remedy: 'Name a folder of functions/ that infra deploys.',
  });
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() ? entry.name : [])).sort();
}
