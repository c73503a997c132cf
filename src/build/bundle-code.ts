// A function's code in three files: start.js, which asks for the bytes of its models, index.js, which every start loads whole,
// and later.js with what an import() brings. esbuild splits code into many small files, 20 of which a start loads, and files
// cost a start more than their bytes: they are put together again, by who reaches them without an import().
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, join } from 'node:path';
import { buildSync, type Metafile, type OutputFile } from 'esbuild';
import { buildFolder } from './project.ts';
import { recipe } from './recipe.ts';

export interface Code {
  /** start.js; index.js; later.js where there is an import() of what they do not load themselves; their maps; the licences. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What index.js exports for its user. */
  readonly exports: readonly string[];
  /** What went in, relative to the root. */
  readonly inputs: readonly string[];
  /** Packages that are not inside. */
  readonly externals: readonly string[];
}

/**
 * The same bytes in any folder.
 *
 * @param start what is loaded before the entry
 * @throws what esbuild throws for code that it cannot bundle
 */
export function bundleCode(entry: string, start: string, root: string): Code {
  mkdirSync(join(root, buildFolder), { recursive: true });
  const folder = mkdtempSync(join(root, buildFolder, 'parts-'));
  try {
    const { parts, licences, metafile } = split({ start, index: entry }, root, join(folder, 'parts'));
    const outputs = byName(metafile);
    const sides = sidesOf(outputs);
    layOut(folder, parts, outputs, sides);
    const files = joined(folder, root, new Set(sides.values()));
    if (licences.length > 0) files.set('index.js.LEGAL.txt', Buffer.from(licences.join('\n')));
    return {
      files,
      exports: outputs.get(entryOf('index'))?.exports ?? [],
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

/** Loaded in this order: what a later one needs of an earlier one is there. */
const entrySides = ['start', 'index'] as const;
type EntrySide = (typeof entrySides)[number];
/** Which file a part is in. */
type Side = EntrySide | 'later';

/** The part that a file is loaded for. */
function entryOf(side: EntrySide): string {
  return `entry-${side}.js`;
}

function split(entries: Readonly<Record<EntrySide, string>>, root: string, outdir: string) {
  const { banner, ...options } = recipe(root);
  const { outputFiles, metafile } = buildSync({
    ...options,
    entryPoints: entrySides.map((side) => ({ in: entries[side], out: `entry-${side}` })),
    outdir,
    format: 'esm',
    splitting: true,
    // Not the sources': with a quote in it esbuild writes code that does not parse, or never answers.
    chunkNames: '[hash]',
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

/** In which file each part is: that of the first entry that loads it at once, else the last. */
function sidesOf(outputs: ReadonlyMap<string, Part>): ReadonlyMap<string, Side> {
  const sides = new Map<string, Side>();
  for (const side of entrySides) {
    const reached = new Set([entryOf(side)]);
    for (const name of reached) {
      if (!sides.has(name)) sides.set(name, side);
      for (const { path, kind } of importsOf(outputs, name)) if (kind === 'import-statement') reached.add(path);
    }
  }
  for (const name of outputs.keys()) if (!sides.has(name)) sides.set(name, 'later');
  return sides;
}

function importsOf(outputs: ReadonlyMap<string, Part>, name: string): Part['imports'] {
  return outputs.get(name)?.imports.filter(({ external }) => !external) ?? [];
}

/**
 * Folders that each become one file. Where a part of another file is wanted, it is asked of that file, which is loaded by then or
 * now: start.js and index.js export their parts whole, later.js gives out each of its own as import() asks for it.
 */
function layOut(
  folder: string,
  parts: readonly OutputFile[],
  outputs: ReadonlyMap<string, Part>,
  sides: ReadonlyMap<string, Side>,
): void {
  const write = (side: Side, file: string, text: string | Uint8Array) => {
    mkdirSync(join(folder, side), { recursive: true });
    writeFileSync(join(folder, side, file), text);
  };
  // Neither the project's type nor its sideEffects are said of these.
  writeFileSync(join(folder, 'package.json'), '{}');
  for (const { path, contents } of parts) {
    const name = basename(path);
    const side = sides.get(name) ?? 'later';
    if (side !== 'later' || !outputs.get(name)?.isCommonJs) write(side, name, contents);
    else {
      write('later', `whole-${name}`, contents);
      write('later', name, asNodeImports(`./whole-${name}`));
    }
  }
  /** Part → the other files that want it. */
  const wanted = new Map<string, Set<Side>>();
  for (const [name, from] of sides) {
    for (const { path } of importsOf(outputs, name)) {
      if (sides.get(path) !== from) wanted.set(path, (wanted.get(path) ?? new Set()).add(from));
    }
  }
  for (const [path, by] of wanted) {
    const side = sides.get(path);
    const given = side === 'later' ? '()' : '';
    for (const from of by) write(from, path, `module.exports = $require('./${side}.js')['${path}']${given};`);
  }
  const named = (side: Side) => [...wanted.keys()].filter((path) => sides.get(path) === side).sort();
  for (const side of entrySides) {
    const own = (outputs.get(entryOf(side))?.exports ?? []).map((name) => JSON.stringify(name));
    const shared = named(side).map((name) => `export * as ${JSON.stringify(name)} from './${name}';`);
    write(side, `${side}.js`, [`export { ${own.join(', ')} } from './${entryOf(side)}';`, ...shared].join('\n'));
  }
  write(
    'later',
    'later.js',
    named('later')
      .map((name) => `exports['${name}'] = () => require('./${name}');`)
      .join('\n'),
  );
}

/** With names beside the default, which is all of it. */
function asNodeImports(part: string): string {
  return `
    const { default: whole } = require('${part}');
    const names = Object.getOwnPropertyDescriptors(Object(whole));
    module.exports = Object.defineProperties({ __esModule: true }, { ...names, default: { value: whole, enumerable: true } });`;
}

function joined(folder: string, root: string, sides: ReadonlySet<Side>): Map<string, Uint8Array> {
  const { banner, ...options } = recipe(root);
  const ownUrl = banner?.['js'] ?? '';
  // Paths inside the map are relative to the output; a fixed one keeps them the same for every outDir.
  const outdir = join(root, buildFolder, 'functions', 'any');
  const { outputFiles } = buildSync({
    ...options,
    entryPoints: [...sides].map((side) => ({ in: join(folder, side, `${side}.js`), out: side })),
    outdir,
    // esbuild does not look for what this asks for.
    banner: { js: `${ownUrl}const $require=require;` },
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
    outputFiles.map(({ path, text }) => [
      basename(path),
      Buffer.from(path.endsWith('.map') ? wholeMap(text, outdir, isPart) : withoutParts(withoutUnused(ownUrl, text))),
    ]),
  );
}

/** What defines `import.meta.url`, where nobody asks for it: on the first line, of which the map says nothing. */
function withoutUnused(ownUrl: string, text: string): string {
  const [, name = ownUrl] = /^const (\w+)=/.exec(ownUrl) ?? [];
  return text.startsWith(ownUrl) && text.lastIndexOf(name) < ownUrl.length ? text.slice(ownUrl.length) : text;
}

/** For whoever imports the file, esbuild tells its exports at its end: the parts among them are asked for by require() alone. */
function withoutParts(text: string): string {
  const at = text.lastIndexOf('0&&(module.exports={');
  return at === -1 ? text : text.slice(0, at) + text.slice(at).replaceAll(/"\w+\.js":null,?/g, '');
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
