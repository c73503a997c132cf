// Reads what a CDK app synthesised: its stacks' templates, and where the files lie that they name by hash.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GlowplugError } from '../../core/errors.ts';
import type { Stack } from './intrinsics.ts';
import { at, type Json, objectAt, parseJson, stringAt } from './json.ts';

export interface AssemblyStack extends Stack {
  /** `aws://<account>/<region>`, each `unknown-…` where the stack leaves it to the environment. */
  readonly environment: string;
  /** Names of the stacks that are deployed before it. */
  readonly dependencies: readonly string[];
}

export interface Assembly {
  readonly stacks: readonly AssemblyStack[];
  /** Object key in the bootstrap bucket → folder or file on this machine. */
  readonly assets: ReadonlyMap<string, string>;
}

/** @param folder a cdk.out; stages inside it are read, too */
export async function readAssembly(folder: string): Promise<Assembly> {
  const manifest = await readJson(join(folder, 'manifest.json'));
  const stacks: AssemblyStack[] = [];
  const assets = new Map<string, string>();
  const artifacts = objectAt(manifest, 'artifacts');
  const stackName = (id: string) => stringAt(artifacts[id], 'properties', 'stackName') ?? id;
  for (const [id, artifact] of Object.entries(artifacts)) {
    const type = stringAt(artifact, 'type');
    const file = stringAt(artifact, 'properties', 'templateFile') ?? stringAt(artifact, 'properties', 'file');
    const nested = stringAt(artifact, 'properties', 'directoryName');
    if (type === 'aws:cloudformation:stack' && file) {
      const needs = at(artifact, 'dependencies');
      const dependencies = (Array.isArray(needs) ? needs : []).filter(
        (need): need is string =>
          typeof need === 'string' && stringAt(artifacts[need], 'type') === 'aws:cloudformation:stack',
      );
      stacks.push({
        name: stackName(id),
        template: await readJson(join(folder, file)),
        environment: stringAt(artifact, 'environment') ?? 'aws://unknown-account/unknown-region',
        dependencies: dependencies.map(stackName),
      });
    } else if (type === 'cdk:asset-manifest' && file) {
      for (const [key, path] of assetPaths(await readJson(join(folder, file)))) assets.set(key, resolve(folder, path));
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
