// The one esbuild recipe: what is tested, run locally and deployed is made with these options.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';

/** Native packages: they come from layers, never from a bundle. */
const layered = ['onnxruntime-node', 'sharp'] as const;

/**
 * esbuild's options for a project: CommonJS for Lambda's Node 24, tree-shaken, minified (stack traces and `constructor.name`
 * keep their names), with a linked source map.
 *
 * @example
 * buildSync({ ...recipe(process.cwd()), entryPoints: ['functions/ocr/function.ts'], outdir: 'out' });
 */
export function recipe(root: string): BuildOptions {
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    // ESM's import does not search NODE_PATH, where Lambda puts the layers. For the same reason import() of what is not
    // inside becomes require().
    format: 'cjs',
    supported: { 'dynamic-import': false },
    external: [...layered],
    conditions: ['module', ...(isGlowplug(root) ? ['glowplug-source'] : [])],
    minify: true,
    // Functions say their own names still in stack traces, and classes as constructor.name.
    keepNames: true,
    sourcemap: 'linked',
    legalComments: 'external',
    define: { 'import.meta.url': 'glowplugModuleUrl' },
    banner: { js: 'const glowplugModuleUrl=require("node:url").pathToFileURL(__filename).href;' },
    charset: 'utf8',
    logLevel: 'silent',
    metafile: true,
  };
}

/** Only this repository holds the sources that the condition points to; an importer gets dist. */
function isGlowplug(root: string): boolean {
  const json: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return typeof json === 'object' && json !== null && 'name' in json && json.name === 'glowplug';
}
