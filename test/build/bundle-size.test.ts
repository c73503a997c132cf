// How large the code is that each cold start loads, and of what: it is read and parsed in every one. first-request.test.ts
// shows that a start loads no more.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundleCode } from '../../src/build/bundle-code.ts';
import { startModule } from '../../src/build/bundle-function.ts';
import { findFunctions } from '../../src/build/index.ts';
import { recipe } from '../../src/build/recipe.ts';
import { root } from '../root.ts';

/** KB. */
const most = 120;
const kb = (bytes: number) => Math.round(bytes / 1000);

describe('what a start loads of a function without image codecs', () => {
  const plain = findFunctions(root).flatMap(({ name, entry }) => {
    const code = bundleCode(entry, startModule, root);
    return code.externals.includes('sharp') ? [] : [{ name, entry, code }];
  });

  it.each(plain)(
    '$name: 120 KB at most, and nothing but Node, onnxruntime and small packages',
    ({ name, entry, code }) => {
      const bytes = (file: string) => code.files.get(file)?.byteLength ?? 0;
      const start = kb(bytes('start.js') + bytes('index.js'));
      const sizes = Object.entries(partsOf(entry)).sort(([, a], [, b]) => b - a);
      const told = sizes.map(([part, bytes]) => `${part} ${kb(bytes)}`).join(', ');
      console.log(`${name}: ${start} KB, and ${kb(bytes('later.js'))} later; ${told}`);
      expect(start).toBeLessThanOrEqual(most);
      const packages = sizes.map(([part]) => part).filter((part) => !/^(src|functions)\b/.test(part));
      expect(['@middy/core', 'valibot']).toEqual(expect.arrayContaining(packages));
    },
  );

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

/** Bytes of each folder and package in what a start loads, minified. */
function partsOf(entry: string): Record<string, number> {
  const { banner, supported, ...options } = recipe(root);
  const { metafile } = buildSync({
    ...options,
    entryPoints: [entry],
    outdir: 'out',
    format: 'esm',
    splitting: true,
    sourcemap: false,
    metafile: true,
    write: false,
  });
  const parts: Record<string, number> = {};
  for (const path of atOnce(metafile)) {
    for (const [input, { bytesInOutput }] of Object.entries(metafile.outputs[path]?.inputs ?? {})) {
      const part = /node_modules\/((@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input.split('/').slice(0, 2).join('/');
      parts[part] = (parts[part] ?? 0) + bytesInOutput;
    }
  }
  return parts;
}

function atOnce({ outputs }: Metafile): ReadonlySet<string> {
  const reached = new Set(Object.keys(outputs).filter((path) => basename(path) === 'function.js'));
  for (const path of reached) {
    for (const one of outputs[path]?.imports ?? []) {
      if (!one.external && one.kind === 'import-statement') reached.add(one.path);
    }
  }
  return reached;
}
