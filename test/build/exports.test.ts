// What each export of the package makes Node load: at once when it is imported, and only on demand. A new package in
// either column is a decision, made here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { findFunctions, recipe } from '../../src/build/index.ts';

const root = join(import.meta.dirname, '../..');

const expected: Record<string, { readonly atOnce: readonly string[]; readonly onDemand: readonly string[] }> = {
  '.': { atOnce: ['@middy/core'], onDemand: ['onnxruntime-node', 'sharp'] },
  './process': { atOnce: [], onDemand: [] },
  './release': { atOnce: ['@bufbuild/protobuf', 'onnx-buf'], onDemand: ['@aws-sdk/client-s3'] },
  './build': { atOnce: ['esbuild'], onDemand: [] },
  './testing': {
    atOnce: ['aws4fetch'],
    onDemand: ['@aws-sdk/client-s3', '@bufbuild/protobuf', 'esbuild', 'fauxqs', 'onnx-buf'],
  },
  './cdk': { atOnce: ['aws-cdk-lib', 'constructs', 'esbuild'], onDemand: [] },
};

describe('an export loads', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const sources = Object.entries<{ 'glowplug-source'?: string }>(exports)
    .map(([name, target]) => [name, target['glowplug-source']] as const)
    .filter((entry): entry is [string, string] => entry[1] !== undefined);

  it('what this table says: every export is in it', () => {
    expect(Object.keys(expected).sort()).toEqual(sources.map(([name]) => name).sort());
  });

  it.each(sources)('%s', async (name, source) => {
    expect(await packagesOf(source)).toEqual(expected[name]);
  });
});

describe('a function’s bundle holds neither the AWS SDK nor what only machines that build need', () => {
  it.each(findFunctions(root).map(({ name, entry }) => [name, entry]))('%s', async (_name, entry) => {
    const { metafile } = await build({
      ...recipe(root),
      entryPoints: [entry],
      outfile: 'index.js',
      write: false,
      metafile: true,
    });
    const inside = new Set(
      Object.keys(metafile.inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
    );
    const unwanted = /^(@aws-sdk|@smithy|aws-cdk|constructs|esbuild|onnx-buf|commander|onnxruntime|sharp|@img)/;
    expect([...inside].filter((name) => unwanted.test(name))).toEqual([]);
    expect(externalsOf(metafile).filter((name) => !/^(onnxruntime-node|sharp)$/.test(name))).toEqual([]);
  });
});

/** Bundled in chunks, so that what the entry reaches without import() can be told from what import() brings. */
async function packagesOf(source: string) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node24',
    splitting: true,
    outdir: 'out',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [entry] = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === source.slice(2)) ?? [''];
  const atOnce = reach(metafile, [entry], (kind) => kind === 'import-statement');
  const all = reach(metafile, [entry], () => true);
  return { atOnce: [...atOnce].sort(), onDemand: [...all.difference(atOnce)].sort() };
}

function reach(metafile: Metafile, from: readonly string[], follows: (kind: string) => boolean): Set<string> {
  const seen = new Set(from);
  const packages = new Set<string>();
  for (const path of seen) {
    for (const found of metafile.outputs[path]?.imports ?? []) {
      if (!follows(found.kind)) continue;
      if (!found.external) seen.add(found.path);
      else if (!found.path.startsWith('node:')) packages.add(packageName(found.path));
    }
  }
  return packages;
}

function externalsOf(metafile: Metafile): string[] {
  return Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports.filter(({ external, path }) => external && !path.startsWith('node:')))
    .map(({ path }) => path);
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
