// npm run docs: writes the generated pages of docs/reference. With --check it writes nothing and ends with 1 when one is stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { referencePages } from './reference-pages.ts';

const check = process.argv.includes('--check');
const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'docs', 'reference');

mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(referencePages(root))) {
  const path = join(folder, name);
  if (read(path) === text) continue;
  if (check) process.exitCode = 1;
  else writeFileSync(path, text);
  console.log(`docs/reference/${name} ${check ? 'is stale: npm run docs' : 'written'}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
