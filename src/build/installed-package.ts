// Finds an installed package as Node would, and lists those of its files that a layer needs.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import type { LayerFile } from './layer.ts';

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** The package that `require(name)` in a file of `from` would reach; undefined when there is none. */
export function findPackage(name: string, from: string): InstalledPackage | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    // pnpm links; what the package itself requires lies beside the real folder.
    if (existsSync(join(candidate, 'package.json'))) return readPackage(realpathSync(candidate));
    if (folder === dirname(folder)) return undefined;
  }
}

/** As `findPackage`, but absence is an error that says what to install. */
export function requirePackage(name: string, from: string): InstalledPackage {
  const found = findPackage(name, from);
  if (found) return found;
  throw new GlowplugError('DEPENDENCY_MISSING', `expected ${name} in the node_modules of ${from}, found none`, {
    remedy: `npm install ${name}`,
  });
}

export function readPackage(folder: string): InstalledPackage {
  const json: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const fields = record(json);
  return {
    name: String(fields['name']),
    version: String(fields['version']),
    folder,
    dependencies: Object.keys(record(fields['dependencies'])),
    optionalDependencies: Object.fromEntries(
      Object.entries(record(fields['optionalDependencies'])).map(([name, version]) => [name, String(version)]),
    ),
  };
}

/** Files of the package whose path inside it matches `keep`, at their place in the layer. */
export function layerFiles(from: InstalledPackage, keep: RegExp): LayerFile[] {
  return readdirSync(from.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((source) => ({ source, inside: source.slice(from.folder.length + 1).replaceAll('\\', '/') }))
    .filter(({ inside }) => !inside.startsWith('node_modules/') && keep.test(inside))
    .map(({ source, inside }) => ({ source, target: `nodejs/node_modules/${from.name}/${inside}` }));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
