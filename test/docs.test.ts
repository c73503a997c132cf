// The generated reference pages are what the code says, and every code and variable stands in them.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withMeasured } from '../scripts/measured.ts';
import { referencePages } from '../scripts/reference-pages.ts';
import { catalogue } from '../src/core/error-catalogue.ts';

const root = resolve(import.meta.dirname, '..');

describe('docs/reference', () => {
  it.each(Object.entries(referencePages(root)))('%s is what npm run docs would write', (name, text) => {
    expect(readFileSync(join(root, 'docs', 'reference', name), 'utf8')).toBe(text);
  });

  it('the README quotes the figures that were measured', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    expect(withMeasured(readme, root)).toBe(readme);
  });

  it('errors.md holds exactly the codes of the catalogue', () => {
    const page = readFileSync(join(root, 'docs', 'reference', 'errors.md'), 'utf8');
    const codes = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(codes).toEqual(Object.keys(catalogue));
  });

  it('cli.md shows the examples of every command', () => {
    const page = readFileSync(join(root, 'docs', 'reference', 'cli.md'), 'utf8');
    for (const section of page.split('\n## ').slice(2)) expect(section).toContain('Examples:');
  });
});
