// The functions' logs of a running `glowplug dev`, on disk so that another terminal can read them.
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folderOf = (root: string) => join(root, '.glowplug', 'cloud', 'logs');

/** What comes back appends a line, the first one to a log begun anew: by then the cloud's folder is ours. */
export function keepFunctionLogs(root: string): (functionName: string, line: string) => void {
  const folder = folderOf(root);
  let begun = false;
  return (name, line) => {
    if (!begun) rmSync(folder, { recursive: true, force: true });
    begun = true;
    mkdirSync(folder, { recursive: true });
    appendFileSync(join(folder, `${name}.log`), `${line}\n`);
  };
}

/** By function; those that were not called yet have none. */
export async function readFunctionLogs(root: string): Promise<ReadonlyMap<string, string>> {
  const folder = folderOf(root);
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.log')).sort();
  const read = files.map(async (file) => [file.slice(0, -'.log'.length), await readFile(join(folder, file), 'utf8')]);
  return new Map((await Promise.all(read)) as [string, string][]);
}
