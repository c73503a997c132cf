// Reads what a CDK app synthesised: its stacks' templates, and where the files lie that they name by hash.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError } from '../../core/errors.ts';
import type { Stack } from './intrinsics.ts';
import { at, type Json, objectAt, parseJson, stringAt } from './json.ts';

export interface Assembly {
  readonly stacks: readonly Stack[];
  /** Object key in the bootstrap bucket → folder or file on this machine. */
  readonly assets: ReadonlyMap<string, string>;
}

/** @param folder a cdk.out; stages inside it are read, too */
export async function readAssembly(folder: string): Promise<Assembly> {
  const manifest = await readJson(join(folder, 'manifest.json'));
  const stacks: Stack[] = [];
  const assets = new Map<string, string>();
  for (const [id, artifact] of Object.entries(objectAt(manifest, 'artifacts'))) {
    const type = stringAt(artifact, 'type');
    const file = stringAt(artifact, 'properties', 'templateFile') ?? stringAt(artifact, 'properties', 'file');
    const nested = stringAt(artifact, 'properties', 'directoryName');
    if (type === 'aws:cloudformation:stack' && file) {
      const name = stringAt(artifact, 'properties', 'stackName') ?? id;
      stacks.push({ name, template: await readJson(join(folder, file)) });
    } else if (type === 'cdk:asset-manifest' && file) {
      for (const [key, path] of assetPaths(await readJson(join(folder, file)))) assets.set(key, join(folder, path));
    } else if (type === 'cdk:cloud-assembly' && nested) {
      const inner = await readAssembly(join(folder, nested));
      stacks.push(...inner.stacks);
      for (const [key, path] of inner.assets) assets.set(key, path);
    }
  }
  return { stacks, assets };
}

function assetPaths(manifest: Json): [key: string, path: string][] {
  return Object.values(objectAt(manifest, 'files')).flatMap((file) => {
    const path = stringAt(file, 'source', 'path');
    if (path === undefined) return [];
    return Object.values(objectAt(file, 'destinations')).flatMap((destination): [string, string][] => {
      const key = at(destination, 'objectKey');
      return typeof key === 'string' ? [[key, path]] : [];
    });
  });
}

async function readJson(path: string): Promise<Json> {
  try {
    return parseJson(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new GlowplugError('CONFIG_INVALID', `expected ${path}, which cdk synth writes, to be readable JSON`, {
      cause,
      remedy: 'Synthesise again with npx cdk synth, and look at what it prints.',
    });
  }
}
