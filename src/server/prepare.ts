// From what the command line names to files that a serving process needs nothing else for. Done once: a process that
// replaces another serves the same versions, whatever the store says or does meanwhile.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { checkBatchable } from '../batch/bucket.ts';
import { findFunctions } from '../build/find-functions.ts';
import { projectRoot } from '../build/project.ts';
import type { Contract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import type { Signature } from '../core/signature.ts';
import { serializeLock } from '../models/lock.ts';
import { resolve as resolveReference } from '../models/resolve.ts';
import { openReader } from '../models/stores/open.ts';
import type { LockedVersion } from '../models/version.ts';
import type { BatchOptions } from '../session/batched.ts';
import { lockModelFile } from './lock-model-file.ts';
import type { UnitSpec } from './serving-messages.ts';

export interface Wanted {
  /** .onnx files, folders of functions, folders of bundles; nothing at all is every function of the project. */
  readonly targets: readonly string[];
  /** References in the contract's store. */
  readonly models: readonly string[];
  /** Requests that meet share runs, for the models without code that have rows to join. */
  readonly batch?: Pick<BatchOptions, 'objective' | 'runs'> | undefined;
  /** Models without code are opened by their first request. */
  readonly onDemand?: boolean | undefined;
  /** Models without code are loaded and unloaded by who asks. */
  readonly control?: boolean | undefined;
}

export interface Prepared {
  readonly units: readonly UnitSpec[];
  /** Name → signature, of models without code. */
  readonly signatures: Readonly<Record<string, Signature>>;
}

/** `folder` is for what only this run needs. @throws GlowplugError for whatever cannot be served */
export async function prepare(wanted: Wanted, contract: Contract, folder: string): Promise<Prepared> {
  const files = wanted.targets.filter(isModel);
  const functions = wanted.targets.filter((target) => !isModel(target));
  const every = wanted.targets.length === 0 && wanted.models.length === 0;
  const units: UnitSpec[] = every ? await allFunctions() : await Promise.all(functions.map(prepareFunction));
  const locked: Record<string, LockedVersion> = {};
  for (const file of files) add(locked, await lockModelFile(file, join(folder, 'files')));
  if (files.length > 0)
    units.push(await models(locked, join(folder, 'files.lock.json'), join(folder, 'files'), wanted));
  if (wanted.models.length > 0) {
    const store = await openReader(contract);
    const stored: Record<string, LockedVersion> = {};
    for (const reference of wanted.models) {
      const version = await resolveReference(store, reference);
      add(locked, version);
      stored[version.model] = version;
    }
    units.push(await models(stored, join(folder, 'store.lock.json'), undefined, wanted));
  }
  return { units, signatures: Object.fromEntries(Object.entries(locked).map(([name, one]) => [name, one.signature])) };
}

async function allFunctions(): Promise<UnitSpec[]> {
  const root = projectRoot();
  const found = findFunctions(root);
  if (found.length > 0) return await Promise.all(found.map(({ entry }) => bundled(entry)));
  throw new GlowplugError('CONFIG_INVALID', `expected something to serve, and ${root} has no functions`, {
    remedy: 'Name an .onnx file, a folder of functions/, or --store and --model.',
  });
}

async function prepareFunction(target: string): Promise<UnitSpec> {
  const folder = resolve(target);
  if (existsSync(join(folder, 'function.ts'))) return await bundled(join(folder, 'function.ts'));
  if (existsSync(join(folder, 'index.js'))) return { kind: 'function', name: basename(folder), folder };
  const what = lying(folder);
  throw new GlowplugError('CONFIG_INVALID', `expected an .onnx file, a function or a bundle, got ${target}: ${what}`, {
    remedy: existsSync(join('functions', target, 'function.ts'))
      ? `Name its folder: ${join('functions', target)}.`
      : 'Name an .onnx file, a folder with a function.ts, or a folder with the index.js that glowplug built.',
  });
}

/** What lies at a path, models first: it may be one of them that was meant. */
function lying(path: string): string {
  if (!existsSync(path)) return 'nothing is there';
  if (!statSync(path).isDirectory()) return 'a file of another kind';
  const names = readdirSync(path).sort();
  const some = [...names.filter(isModel), ...names.filter((name) => !isModel(name))].slice(0, 5);
  return names.length === 0
    ? 'an empty folder'
    : `a folder of ${some.join(', ')}${names.length > some.length ? ', …' : ''}`;
}

const isModel = (path: string) => path.endsWith('.onnx');

async function bundled(entry: string): Promise<UnitSpec> {
  // On demand: an image that holds bundles has no bundler.
  const { bundleFunction } = await import('../build/bundle-function.ts');
  const { name, path } = bundleFunction({ entry, root: projectRoot(dirname(entry)) });
  const sample = readdirSync(dirname(entry)).find((file) => /^request\.\w+$/.test(file));
  return { kind: 'function', name, folder: path, ...(sample ? { sample: join(dirname(entry), sample) } : {}) };
}

/** Two of one name cannot be told apart under /v2. */
function add(locked: Record<string, LockedVersion>, version: LockedVersion): void {
  if (!Object.hasOwn(locked, version.model)) {
    locked[version.model] = version;
    return;
  }
  throw new GlowplugError('CONFIG_INVALID', `expected each model once, got ${version.model} twice`, {
    remedy: 'Serve one version of a model at a time, or rename one of the files.',
  });
}

async function models(
  locked: Readonly<Record<string, LockedVersion>>,
  lockFile: string,
  cacheDir: string | undefined,
  { batch, onDemand = false, control = false }: Wanted,
): Promise<UnitSpec> {
  const entries = Object.values(locked).map((version) => [`${version.model}:${version.version}`, version] as const);
  await writeFile(lockFile, serializeLock({ lockVersion: 1, models: Object.fromEntries(entries) }));
  const references = Object.fromEntries(entries.map(([reference, { model }]) => [model, reference]));
  const batched = Object.values(locked).flatMap(({ model, signature }) =>
    batch && isBatchable(signature) ? [[model, batch] as const] : [],
  );
  const options = { batched: Object.fromEntries(batched), onDemand, control };
  return { kind: 'models', models: references, ...options, lockFile, cacheDir };
}

function isBatchable(signature: Signature): boolean {
  try {
    checkBatchable(signature, {});
    return true;
  } catch {
    return false;
  }
}
