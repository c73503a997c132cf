// How large a function's code is without its map, and of what: what is loaded is read and parsed in each cold start.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recipe } from '../../src/build/recipe.ts';
import { root } from '../root.ts';

/** KB. The goal is 120 (docs/decisions/cold-start-bets.md says what keeps it from it); more than this came in unseen. It is 208 with captures and spans. */
const most = 210;

describe('the bundle of a function without image codecs', () => {
  it.each(['iris', 'spam'])('%s is small, and nothing but Node, onnxruntime and small packages', (name) => {
    const { metafile } = buildSync({
      ...recipe(root),
      entryPoints: [join(root, 'functions', name, 'function.ts')],
      outfile: 'index.js',
      metafile: true,
      write: false,
    });
    const [output] = Object.entries(metafile.outputs).flatMap(([path, one]) =>
      path.endsWith('index.js') ? [one] : [],
    );
    const parts: Record<string, number> = {};
    for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
      const part = /node_modules\/((@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path.split('/').slice(0, 2).join('/');
      parts[part] = (parts[part] ?? 0) + bytesInOutput;
    }
    const kb = (bytes = 0) => Math.round(bytes / 1000);
    const sizes = Object.entries(parts).sort(([, a], [, b]) => b - a);
    console.log(`${name}: ${kb(output?.bytes)} KB; ${sizes.map(([part, bytes]) => `${part} ${kb(bytes)}`).join(', ')}`);
    expect(kb(output?.bytes)).toBeLessThan(most);
    const packages = sizes.map(([part]) => part).filter((part) => !/^(src|functions)\b/.test(part));
    expect(['@middy/core', 'aws4fetch', 'valibot']).toEqual(expect.arrayContaining(packages));
  });

  it('keeps the names of functions and classes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'glowplug-names-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const outfile = join(folder, 'index.cjs');
    const contents = `class ModelOfMine { run() { return breaks(); } }
      function breaks() { throw new RangeError('here'); }
      export const called = () => new ModelOfMine().run();
      export const named = new ModelOfMine().constructor.name;`;
    buildSync({ ...recipe(root), stdin: { contents, resolveDir: root }, outfile });
    // By itself: vitest maps stack traces to their sources.
    const script = `const { called, named } = require(process.argv[1]);
      try { called(); } catch (error) { console.log(named, error.stack); }`;
    const said = execFileSync(process.execPath, ['-e', script, outfile], { encoding: 'utf8' });
    expect(said).toMatch(/^ModelOfMine RangeError: here\n +at breaks /);
  });
});
