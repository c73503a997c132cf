// What a bundle holds, when it is built again, and what it says when it cannot be.
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundleFunction } from '../../src/build/bundle-function.ts';
import { parseLock } from '../../src/models/lock.ts';
import { fixtureLock, fixtureProject, version } from './fixtures/project.ts';

describe('bundleFunction', () => {
  it('makes a CommonJS handler with its map, its licences and the slice of the lock file that it uses', () => {
    using project = fixtureProject();
    const bundle = bundleFunction({ entry: project.entry('sort') });
    expect(readdirSync(bundle.path).sort()).toEqual([
      'index.js',
      'index.js.LEGAL.txt',
      'index.js.map',
      'init.mjs',
      'models.lock.json',
      'package.json',
      'start.js',
      'start.js.map',
    ]);
    expect(bundle.name).toBe('sort');
    expect(bundle.path).toBe(join(project.root, '.glowplug/build/functions/sort'));
    expect(bundle.externals).toEqual(['onnxruntime-node', 'sharp']);
    const slice = parseLock(readFileSync(join(bundle.path, 'models.lock.json'), 'utf8'));
    expect(slice).toEqual({ lockVersion: 1, models: { 'iris:prod': fixtureLock.models['iris:prod'] } });
    expect(bundle.bytes).toBe(
      readdirSync(bundle.path).reduce((sum, file) => sum + statSync(join(bundle.path, file)).size, 0),
    );
  });

  it('has the file that runs sessions in threads beside the handler, where they are asked for', () => {
    using project = fixtureProject();
    const { path, externals } = bundleFunction({ entry: project.entry('sort'), sessionThreads: true });
    expect(readdirSync(path)).toContain('worker-thread.js');
    expect(externals).toEqual(['onnxruntime-node', 'sharp']);
    expect(path).not.toBe(bundleFunction({ entry: project.entry('sort') }).path);
  });

  it('loads by require although a package.json above says that .js files are ES modules', async () => {
    using project = fixtureProject();
    expect(project.read('package.json')).toContain('"type": "module"');
    const { path } = bundleFunction({ entry: project.entry('plain') });
    const { handler } = createRequire(import.meta.url)(path);
    expect(await handler()).toEqual({ statusCode: 204 });
  });

  it('lets a handler be put around its own, as OpenTelemetry’s instrumentation of Lambda does, and is imported by name', async () => {
    using project = fixtureProject();
    const { path } = bundleFunction({ entry: project.entry('plain') });
    const exported = createRequire(import.meta.url)(path);
    const { handler } = exported;
    exported.handler = async () => ({ around: await handler() });
    expect(await exported.handler()).toEqual({ around: { statusCode: 204 } });
    const imported = await import(pathToFileURL(join(path, 'index.js')).href);
    expect(imported).toHaveProperty('handler');
  });

  it('has a second way in whose init ends when the handler says that it is warm', async () => {
    using project = fixtureProject();
    const code = [
      "export const said = ['loaded'];",
      "const initialized = async () => { await new Promise(setImmediate); said.push('warm'); };",
      'export const handler = Object.assign(() => said, { initialized });',
    ];
    writeFileSync(project.entry('plain'), code.join('\n'));
    const { path } = bundleFunction({ entry: project.entry('plain') });
    const { handler } = await import(pathToFileURL(join(path, 'init.mjs')).href);
    expect(handler()).toEqual(['loaded', 'warm']);
  });

  it('gives the same bytes for the same inputs in two folders', () => {
    using one = fixtureProject();
    using two = fixtureProject();
    const [first, second] = [one, two].map((project) => bundleFunction({ entry: project.entry('sort') }));
    expect(second!.digest).toBe(first!.digest);
    for (const file of readdirSync(first!.path)) {
      expect(readFileSync(join(second!.path, file)), file).toEqual(readFileSync(join(first!.path, file)));
    }
  });

  it('does not build an unchanged function again', () => {
    using project = fixtureProject();
    const first = bundleFunction({ entry: project.entry('sort') });
    const { ino, mtimeMs } = statSync(join(first.path, 'index.js'));
    expect(bundleFunction({ entry: project.entry('sort') })).toEqual(first);
    expect(statSync(join(first.path, 'index.js'))).toMatchObject({ ino, mtimeMs });
  });

  it.each([
    ['its own code', 'functions/sort/function.ts', 'export const handler = () => 1;\n'],
    ['a file it imports', 'functions/sort/labels.ts', 'export const labels = [];\n'],
    [
      'the lock file',
      'models.lock.json',
      JSON.stringify({ lockVersion: 1, models: { 'iris:prod': version('iris', 'c') } }),
    ],
  ])('builds again when %s changes', (_what, path, text) => {
    using project = fixtureProject();
    const before = bundleFunction({ entry: project.entry('sort') }).digest;
    project.write(path, text);
    expect(bundleFunction({ entry: project.entry('sort') }).digest).not.toBe(before);
  });

  it('builds again when a file of the bundle was changed or is gone', () => {
    using project = fixtureProject();
    const { path, digest } = bundleFunction({ entry: project.entry('sort') });
    const code = readFileSync(join(path, 'index.js'));
    project.write('.glowplug/build/functions/sort/index.js', '');
    expect(bundleFunction({ entry: project.entry('sort') }).digest).toBe(digest);
    rmSync(join(path, 'index.js'));
    bundleFunction({ entry: project.entry('sort') });
    expect(readFileSync(join(path, 'index.js'))).toEqual(code);
  });

  it('leaves no slice behind when the function uses no model any more', () => {
    using project = fixtureProject();
    const { path } = bundleFunction({ entry: project.entry('sort') });
    cpSync(project.entry('plain'), project.entry('sort'));
    expect(bundleFunction({ entry: project.entry('sort') })).toMatchObject({ path, references: [], externals: [] });
    const files = ['index.js', 'index.js.map', 'init.mjs', 'package.json', 'start.js', 'start.js.map'];
    expect(readdirSync(path).sort()).toEqual(files);
  });

  it('takes the references that are given, where the code computes them', () => {
    using project = fixtureProject();
    const { references } = bundleFunction({ entry: project.entry('plain'), references: ['ppocr-det:prod'] });
    expect(references).toEqual(['ppocr-det:prod']);
  });
});

describe('bundleFunction refuses', () => {
  it('an entry that is not there', () => {
    using project = fixtureProject();
    expect(() => bundleFunction({ entry: project.entry('absent') })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('found no such file') }),
    );
  });

  it.each([
    ['a syntax error', 'export const handler = (;\n', 'functions/plain/function.ts:1:24: ERROR: Unexpected ";"'],
    [
      'a missing import',
      "import './absent.ts';\n",
      'functions/plain/function.ts:1:7: ERROR: Could not resolve "./absent.ts"',
    ],
    [
      'code without a handler',
      'export const other = 1;\n',
      'expected functions/plain/function.ts to export handler, it does not',
    ],
  ])('%s, and says where it is', (_what, code, message) => {
    using project = fixtureProject();
    project.write('functions/plain/function.ts', code);
    expect(() => bundleFunction({ entry: project.entry('plain') })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it('a function with models before there is a lock file', () => {
    using project = fixtureProject({ lock: null });
    expect(() => bundleFunction({ entry: project.entry('sort') })).toThrow(
      expect.objectContaining({
        code: 'LOCK_STALE',
        message: `expected iris:prod in ${join(project.root, 'models.lock.json')}, found no such file`,
        remedy: 'Run glowplug lock and commit the result.',
      }),
    );
  });

  it('a model that the lock file does not hold', () => {
    using project = fixtureProject({ lock: { lockVersion: 1, models: {} } });
    expect(() => bundleFunction({ entry: project.entry('sort') })).toThrow(
      expect.objectContaining({ code: 'LOCK_STALE', message: expect.stringContaining('iris:prod') }),
    );
  });
});
