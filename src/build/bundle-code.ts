// A function's code in two files: index.js, which every start loads whole, and later.js with what an import() brings.
// esbuild splits code into many small files, 20 of which a start loads, and files cost a start more than their bytes: they
// are put together again, by whether the entry reaches them without an import().
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, join } from 'node:path';
import { buildSync, type Metafile, type OutputFile } from 'esbuild';
import { buildFolder } from './project.ts';
import { recipe } from './recipe.ts';

export interface Code {
  /** index.js; later.js where there is an import() of what the entry does not load itself; their maps; the licences. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What index.js exports for its user. */
  readonly exports: readonly string[];
  /** What went in, relative to the root. */
  readonly inputs: readonly string[];
  /** Packages that are not inside. */
  readonly externals: readonly string[];
}

/** The same bytes in any folder. @throws what esbuild throws for code that it cannot bundle */
export function bundleCode(entry: string, root: string): Code {
  mkdirSync(join(root, buildFolder), { recursive: true });
  const folder = mkdtempSync(join(root, buildFolder, 'parts-'));
  try {
    const { parts, licences, metafile } = split(entry, root, join(folder, 'index'));
    const outputs = byName(metafile);
    const start = startOf(outputs);
    layOut(folder, parts, outputs, start);
    const files = joined(folder, root, start.size < outputs.size);
    if (licences.length > 0) files.set('index.js.LEGAL.txt', Buffer.from(licences.join('\n')));
    return {
      files,
      exports: outputs.get(entryPart)?.exports ?? [],
      inputs: Object.keys(metafile.inputs),
      externals: externalsOf(metafile),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Packages that these outputs take from outside. */
export function externalsOf({ outputs }: Metafile): string[] {
  const packages = Object.values(outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path }) => external && !path.startsWith('node:') && !builtinModules.includes(path))
    .map(({ path }) => path);
  return [...new Set(packages)].sort();
}

interface Part extends Pick<Metafile['outputs'][string], 'imports' | 'exports'> {
  /** It is a module of CommonJS, of which esbuild makes a part that has a default alone. */
  readonly isCommonJs: boolean;
}

const entryPart = 'entry.js';

function split(entry: string, root: string, outdir: string) {
  const { banner, ...options } = recipe(root);
  const { outputFiles, metafile } = buildSync({
    ...options,
    entryPoints: [{ in: entry, out: 'entry' }],
    outdir,
    format: 'esm',
    splitting: true,
    // Not the sources': with a quote in it esbuild writes code that does not parse, or never answers.
    chunkNames: 'part-[hash]',
    // What comes of it is CommonJS, which has none: said here, where the message names the function's own file.
    supported: { 'top-level-await': false },
    // Names are kept from here on, and made short at the end.
    minifyWhitespace: false,
    minifyIdentifiers: false,
    sourcemap: 'inline',
    sourcesContent: false,
    write: false,
    metafile: true,
  });
  const isLicence = ({ path }: OutputFile) => path.endsWith('.LEGAL.txt');
  return {
    parts: outputFiles.filter((file) => !isLicence(file)),
    licences: outputFiles
      .filter(isLicence)
      .map(({ text }) => text)
      .sort(),
    metafile,
  };
}

/** With the names of the parts alone, which are the same in every folder. */
function byName({ inputs, outputs }: Metafile): ReadonlyMap<string, Part> {
  const parts = Object.entries(outputs).filter(([path]) => path.endsWith('.js'));
  return new Map(
    parts.map(([path, { imports, exports, entryPoint = '' }]) => [
      basename(path),
      {
        imports: imports.map((one) => ({ ...one, path: nameOf(one) })),
        exports,
        isCommonJs: inputs[entryPoint]?.format === 'cjs',
      },
    ]),
  );
}

function nameOf({ path, external }: Part['imports'][number]): string {
  return external ? path : basename(path);
}

/** The parts that the entry loads at once. */
function startOf(outputs: ReadonlyMap<string, Part>): ReadonlySet<string> {
  const reached = new Set([entryPart]);
  for (const name of reached) {
    for (const { path, kind } of importsOf(outputs, name)) if (kind === 'import-statement') reached.add(path);
  }
  return reached;
}

function importsOf(outputs: ReadonlyMap<string, Part>, name: string): Part['imports'] {
  return outputs.get(name)?.imports.filter(({ external }) => !external) ?? [];
}

/**
 * Two folders that each become one file. Where a part of the other file is wanted, it is asked of that file, which is
 * loaded by then or now: index.js exports its parts whole, later.js gives out each of its own as import() asks for it.
 */
function layOut(
  folder: string,
  parts: readonly OutputFile[],
  outputs: ReadonlyMap<string, Part>,
  start: ReadonlySet<string>,
): void {
  const write = (side: 'index' | 'later', file: string, text: string | Uint8Array) => {
    mkdirSync(join(folder, side), { recursive: true });
    writeFileSync(join(folder, side, file), text);
  };
  // Neither the project's type nor its sideEffects are said of these.
  writeFileSync(join(folder, 'package.json'), '{}');
  for (const { path, contents } of parts) {
    const name = basename(path);
    if (start.has(name)) write('index', name, contents);
    else if (!outputs.get(name)?.isCommonJs) write('later', name, contents);
    else {
      write('later', `whole-${name}`, contents);
      write('later', name, asNodeImports(`./whole-${name}`));
    }
  }
  const names = [...outputs.keys()];
  const fromStart = ({ path }: { readonly path: string }) => start.has(path);
  const imported = (from: readonly string[]) => from.flatMap((name) => importsOf(outputs, name));
  const pathsOf = (imports: Part['imports']) => [...new Set(imports.map(({ path }) => path))].sort();
  const shared = pathsOf(imported(names.filter((name) => !start.has(name))).filter(fromStart));
  const asked = pathsOf(imported(names).filter((one) => one.kind === 'dynamic-import' && !fromStart(one)));
  const own = (outputs.get(entryPart)?.exports ?? []).map((name) => JSON.stringify(name));
  write(
    'index',
    'index.js',
    [
      `export { ${own.join(', ')} } from './${entryPart}';`,
      ...shared.map((name) => `export * as ${JSON.stringify(name)} from './${name}';`),
    ].join('\n'),
  );
  write('later', 'later.js', asked.map((name) => `exports['${name}'] = () => require('./${name}');`).join('\n'));
  for (const name of shared) write('later', name, `module.exports = glowplugRequire('./index.js')['${name}'];`);
  for (const name of asked) write('index', name, `module.exports = glowplugRequire('./later.js')['${name}']();`);
}

/** With names beside the default, which is all of it. */
function asNodeImports(part: string): string {
  return `
    const { default: whole } = require('${part}');
    const names = Object.getOwnPropertyDescriptors(Object(whole));
    module.exports = Object.defineProperties({ __esModule: true }, { ...names, default: { value: whole, enumerable: true } });`;
}

function joined(folder: string, root: string, hasLater: boolean): Map<string, Uint8Array> {
  const { banner, ...options } = recipe(root);
  // Paths inside the map are relative to the output; a fixed one keeps them the same for every outDir.
  const outdir = join(root, buildFolder, 'functions', 'any');
  const { outputFiles } = buildSync({
    ...options,
    entryPoints: (hasLater ? ['index', 'later'] : ['index']).map((name) => ({
      in: join(folder, name, `${name}.js`),
      out: name,
    })),
    outdir,
    // esbuild does not look for what this asks for.
    banner: { js: `${banner?.['js'] ?? ''}const glowplugRequire=require;` },
    // Those of esbuild cannot be replaced, and OpenTelemetry's instrumentation of Lambda puts its own handler around ours.
    footer: { js: 'module.exports={...module.exports};' },
    tsconfigRaw: '{}',
    keepNames: false,
    legalComments: 'none',
    sourcesContent: false,
    write: false,
  });
  const isPart = (source: string) => source.includes(`/${basename(folder)}/`);
  return new Map(
    outputFiles.map(({ path, contents, text }) => [
      basename(path),
      path.endsWith('.map') ? Buffer.from(wholeMap(text, outdir, isPart)) : contents,
    ]),
  );
}

/** With the sources' texts, which esbuild would carry from file to file, and without the parts' own, which nobody wrote. */
function wholeMap(text: string, outdir: string, isPart: (source: string) => boolean): string {
  const map: { sources: string[]; sourcesContent: (string | null)[] } = JSON.parse(text);
  map.sourcesContent = map.sources.map((source) => (isPart(source) ? '' : textOf(join(outdir, source))));
  map.sources = map.sources.map((source) => (isPart(source) ? 'glowplug:import' : source));
  return JSON.stringify(map);
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
