// npm run docs: writes the generated pages of docs/reference, and the README's figures. With --check it writes nothing and ends with 1 when one is stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withMeasured } from './measured.ts';
import { referencePages } from './reference-pages.ts';

const check = process.argv.includes('--check');
const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'docs', 'reference');

mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(referencePages(root))) put(`docs/reference/${name}`, text);
put('README.md', withMeasured(read(join(root, 'README.md')) ?? '', root));

function put(name: string, text: string): void {
  const path = join(root, name);
  if (read(path) === text) return;
  if (check) process.exitCode = 1;
  else writeFileSync(path, text);
  console.log(`${name} ${check ? 'is stale: npm run docs' : 'written'}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
