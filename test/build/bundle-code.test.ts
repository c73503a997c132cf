// The two files of a function's code are one program: what import() brings is run when it is asked for, once, and shares
// with the start what both import.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { bundleFunction } from '../../src/build/bundle-function.ts';
import { sourceMapped } from '../../src/testing/runtime/source-mapped.ts';

/** The bundle of a function of these files. */
function bundled(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'glowplug-code-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({
    'package.json': '{ "type": "module", "sideEffects": false }',
    ...files,
  })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const bundle = bundleFunction({ entry: 'functions/f/function.ts', root });
  const load = () => createRequire(import.meta.url)(bundle.path);
  return { ...bundle, root, load, text: (file: string) => readFileSync(join(bundle.path, file), 'utf8') };
}

const parts = {
  'functions/f/function.ts': `
    import { Fault, told } from './shared.ts';
    told.push('start');
    export const handler = async () => {
      const { work } = await import('./work.ts');
      const { default: named, another } = await import('./named.ts');
      try {
        await work();
      } catch (error) {
        return { told, same: error instanceof Fault, name: error.constructor.name, named: named(), another, stack: error.stack };
      }
    };`,
  'functions/f/shared.ts': `
    export class Fault extends Error {}
    export const told: string[] = [];
    export let count = 0;
    export const raise = () => void count++;`,
  'functions/f/work.ts': `
    import { Fault, count, raise, told } from './shared.ts';
    told.push('work');
    const throwsHere = (before: number) => {
      throw new Fault(\`\${before} to \${count}\`);
    };
    export async function work() {
      const { deeper } = await import('./deeper.ts');
      const before = count;
      raise();
      deeper();
      throwsHere(before);
    }`,
  'functions/f/deeper.ts': `
    import { told } from './shared.ts';
    export const deeper = () => told.push('deeper');`,
  'functions/f/named.ts': `
    export default () => 'by default';
    export const another = 'and by name';`,
};

it('runs what import() brings when it is asked for, with the very modules that the start has', async () => {
  const { path, load, text } = bundled(parts);
  expect(readdirSync(path).sort()).toEqual([
    'index.js',
    'index.js.map',
    'init.mjs',
    'later.js',
    'later.js.map',
    'package.json',
    'start.js',
    'start.js.map',
  ]);
  expect(text('index.js')).not.toContain('by default');
  const { handler } = load();
  const { told, same, name, named, another, stack } = await handler();
  await handler();
  expect(told).toEqual(['start', 'work', 'deeper', 'deeper']);
  expect({ same, name, named, another }).toEqual({
    same: true,
    name: 'Fault',
    named: 'by default',
    another: 'and by name',
  });
  expect(stack).toContain('Error: 0 to 1\n');
  expect(stack).toMatch(/at throwsHere \(.*later\.js:/);
});

it('has maps that lead from both files to the sources, and to nothing of the machine', async () => {
  const { path, load, text, root } = bundled({
    ...parts,
    'functions/f/function.ts': `
      import { work } from './at-once.ts';
      export const handler = async (event: string) => {
        const { work: later } = await import('./work.ts');
        return await (event === 'later' ? later() : work()).catch((error: Error) => error.stack);
      };`,
    'functions/f/at-once.ts': `
      export async function work() {
        throw new Error('at once');
      }`,
  });
  const { handler } = load();
  const mapped = sourceMapped(path);
  const [first = '', second = ''] = [await handler('now'), await handler('later')].map(mapped);
  expect(first).toMatch(/at work \(functions\/f\/at-once\.ts:3:15\)/);
  expect(second).toMatch(/at throwsHere \(functions\/f\/work\.ts:5:13\)/);
  for (const file of ['index.js.map', 'later.js.map']) {
    const { sources, sourcesContent } = JSON.parse(text(file));
    for (const [at, source] of sources.entries()) {
      if (source === 'glowplug:import') continue;
      expect(source).toMatch(/^(\.\.\/){4}functions\/f\/[\w-]+\.ts$/);
      expect(sourcesContent[at]).toBe(readFileSync(join(root, source.replaceAll('../', '')), 'utf8'));
    }
  }
});

it('gives the same bytes in every folder', () => {
  const [one, other] = [bundled(parts), bundled(parts)];
  expect(other.digest).toBe(one.digest);
  expect(other.text('later.js')).toBe(one.text('later.js'));
  expect(readdirSync(join(one.root, '.glowplug/build')).filter((name) => name.startsWith('parts'))).toEqual([]);
});

it('tells a change of what import() brings alone, and finds the models that it names', () => {
  const named = "export const deeper = () => ({ models: { iris: 'iris:prod' } });";
  const locked = {
    'models.lock.json': JSON.stringify({
      lockVersion: 1,
      models: {
        'iris:prod': {
          model: 'iris',
          version: '1.0.0',
          digest: `sha256:${'a'.repeat(64)}`,
          files: { 'model.onnx': { digest: `sha256:${'a'.repeat(64)}`, size: 4, mediaType: 'any' } },
          signature: { inputs: {}, outputs: {} },
        },
      },
    }),
  };
  const before = bundled({ ...parts, ...locked });
  const after = bundled({ ...parts, ...locked, 'functions/f/deeper.ts': named });
  expect(after.digest).not.toBe(before.digest);
  expect([before.references, after.references]).toEqual([[], ['iris:prod']]);
});

it('has one file where nothing is imported later, also when the start imports it too', async () => {
  const both = bundled({
    'functions/f/function.ts': `
      import { shared } from './shared.ts';
      export const handler = async () => (await import('./shared.ts')).shared === shared;`,
    'functions/f/shared.ts': 'export const shared = {};',
  });
  expect(await both.load().handler()).toBe(true);
  const plain = bundled({ 'functions/f/function.ts': 'export const handler = async () => 1;' });
  expect(readdirSync(plain.path)).not.toContain('later.js');
});

it('takes CommonJS that is imported later as Node does', async () => {
  const { load } = bundled({
    'functions/f/function.ts': `
      export const handler = async () => {
        const { default: whole, part } = await import('some-package');
        const { default: esModule, part: other } = await import('compiled');
        const { viaPart } = await import('./part.ts');
        return [typeof whole, part, esModule.default, other, await viaPart(), (await import('./data.json')).answer];
      };`,
    'functions/f/part.ts': "export const viaPart = async () => (await import('some-package')).part;",
    'functions/f/data.json': '{ "answer": 42 }',
    'node_modules/compiled/package.json': '{ "name": "compiled", "main": "index.js" }',
    'node_modules/compiled/index.js': 'exports.__esModule = true; exports.default = "named so"; exports.part = 2;',
    'node_modules/some-package/package.json': '{ "name": "some-package", "main": "index.js" }',
    'node_modules/some-package/index.js': 'module.exports = function whole() {}; module.exports.part = 1;',
  });
  expect(await load().handler()).toEqual(['function', 1, 'named so', 2, 1, 42]);
});

it('takes odd names of files and exports, circles, JSON, and names that are its own', async () => {
  const { load } = bundled({
    'functions/f/function.ts': `
      export let count = 0;
      export const $require = 'mine';
      const odd = 'odd';
      export { odd as "it's an \\"odd\\" one" };
      export default 'by default';
      export const handler = async () => {
        count++;
        const all = await Promise.all([
          import('./it\\'s "odd" \${here}.ts'),
          import('./entry.ts'),
          import('./index.ts'),
          import('./later.ts'),
          import('./a/same.ts'),
          import('./b/same.ts'),
          import('./ä 日本.ts'),
          import('./__proto__.ts'),
          import('./constructor.ts'),
          import('./data.json'),
          import('./circle-a.ts'),
        ]);
        return all.map((each) => (each.a ? each.a() : each.default));
      };`,
    [`functions/f/it's "odd" \${here}.ts`]: `export default 'quotes';`,
    'functions/f/entry.ts': `export default 'entry';`,
    'functions/f/index.ts': `export default 'index';`,
    'functions/f/later.ts': `export default 'later';`,
    'functions/f/a/same.ts': `export default 'same';`,
    'functions/f/b/same.ts': `export default 'same';`,
    'functions/f/ä 日本.ts': `export default 'unicode';`,
    'functions/f/__proto__.ts': `export default 'proto';`,
    'functions/f/constructor.ts': `export default 'constructor';`,
    'functions/f/data.json': `{ "__proto__": { "x": 1 }, "n": 1 }`,
    'functions/f/circle-a.ts': `
      import { b } from './circle-b.ts';
      import { count } from './function.ts';
      export const a = () => 'circle ' + b() + count;
      export const c = () => 'c';`,
    'functions/f/circle-b.ts': `
      import { c } from './circle-a.ts';
      export const b = () => c();`,
  });
  const loaded = load();
  expect(await loaded.handler()).toEqual([
    'quotes',
    'entry',
    'index',
    'later',
    'same',
    'same',
    'unicode',
    'proto',
    'constructor',
    expect.objectContaining({ n: 1 }),
    'circle c1',
  ]);
  expect(loaded).toMatchObject({ default: 'by default', $require: 'mine', [`it's an "odd" one`]: 'odd' });
});
