// Whether a package that glowplug needs is there, loads, and works.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Finding } from './finding.ts';

/** Loads the package as the app would and, where given, uses it once. */
export async function loads(
  root: string,
  name: string,
  absent: 'missing' | 'advice',
  remedy: string,
  use?: (module: unknown) => Promise<boolean>,
): Promise<Finding> {
  try {
    const module: unknown = createRequire(join(root, 'package.json'))(name);
    if (use && !(await use(module))) return { status: absent, found: 'it loads but does not work', remedy };
    return { status: 'ok', found: `${versionOf(root, name)} loads${use ? ' and works' : ''}` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return {
      status: absent,
      found: code === 'MODULE_NOT_FOUND' ? 'not installed' : 'installed, but it does not load',
      remedy,
    };
  }
}

/** For what is a program of its own, or takes long to load: only whether it is there. */
export async function installed(
  root: string,
  name: string,
  absent: 'missing' | 'advice',
  remedy: string,
): Promise<Finding> {
  const version = versionOf(root, name);
  return version ? { status: 'ok', found: version } : { status: absent, found: 'not installed', remedy };
}

/** Whether esbuild, whose binary is a package of its own, turns TypeScript into JavaScript. */
export async function transforms(module: unknown): Promise<boolean> {
  if (typeof module !== 'object' || module === null || !('transform' in module)) return false;
  if (typeof module.transform !== 'function') return false;
  const result: unknown = await module.transform('let one: number = 1', { loader: 'ts' });
  return typeof result === 'object' && result !== null && 'code' in result && result.code === 'let one = 1;\n';
}

/** From package.json, which not every package exports: found by walking up, as Node does. */
function versionOf(root: string, name: string): string | undefined {
  const require = createRequire(join(root, 'package.json'));
  const folder = require.resolve.paths(name)?.find((one) => existsSync(join(one, name, 'package.json')));
  if (!folder) return undefined;
  const described: unknown = require(join(folder, name, 'package.json'));
  if (typeof described !== 'object' || described === null || !('version' in described)) return undefined;
  return String(described.version);
}
