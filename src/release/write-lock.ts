// models.lock.json and models.d.ts: which digest each reference of the functions means, and what TypeScript learns of it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { parseLock, serializeLock } from '../models/lock.ts';
import { lockTypes } from '../models/lock-types.ts';
import { isVersionTag, parseReference } from '../models/reference.ts';
import { resolve } from '../models/resolve.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import type { TrustedKeys } from '../models/trusted-keys.ts';
import { chooseVariant } from '../models/variants.ts';
import { verifySigned } from '../models/verify-signed.ts';
import type { BuiltVersion, Lock, LockedVersion } from '../models/version.ts';
import { buildVersion } from './build-version.ts';
import { loadDefinitions } from './load-definitions.ts';
import { readTrustedKeys } from './read-trusted-keys.ts';
import { usedReferences } from './used-references.ts';
import { writeWhole } from './write-whole.ts';

export interface LockOptions {
  readonly root: string;
  /** With a store a tag means what it names there; without one, what `models/<name>.ts` would publish. */
  readonly store?: ReadableStore;
  /** References that cannot be read from the text of functions/. */
  readonly references?: readonly string[];
}

export interface WrittenLock {
  readonly lock: Lock;
  /** References that are new, gone, or mean another version; and `models.d.ts` where only that one was not as it should be. */
  readonly changed: readonly string[];
}

/** Writes what is not as it should be, each file whole. @throws GlowplugError MODEL_NOT_FOUND, REFERENCE_INVALID, SIGNATURE_INVALID, … */
export async function writeLock(options: LockOptions): Promise<WrittenLock> {
  const { lock, changed, files } = await plan(options);
  for (const { path, text, fresh } of files) if (!fresh) await writeWhole(path, text);
  return { lock, changed };
}

/** What writeLock would change; empty when both files are fresh. */
export async function checkLock(options: LockOptions): Promise<readonly string[]> {
  return (await plan(options)).changed;
}

async function plan({ root, store, references = [] }: LockOptions) {
  const wanted = [...new Set([...(await usedReferences(root)), ...references])].sort();
  const lockPath = join(root, 'models.lock.json');
  const written = await readIfThere(lockPath);
  const before = parseIfSound(written);
  const built = store ? new Map<string, BuiltVersion>() : await buildAll(root, wanted);
  const trusted = await readTrustedKeys(root);
  const entries = await Promise.all(
    wanted.map(async (reference) => {
      const locked = store
        ? await fromStore(store, reference, before, trusted)
        : fromDefinition(reference, built, before);
      return [reference, locked] as const;
    }),
  );
  const lock: Lock = { lockVersion: 1, models: Object.fromEntries(entries) };

  const typesPath = join(root, 'models.d.ts');
  const files = [
    { path: lockPath, text: serializeLock(lock), fresh: written === serializeLock(lock) },
    { path: typesPath, text: lockTypes(lock), fresh: (await readIfThere(typesPath)) === lockTypes(lock) },
  ];
  const moved = [...new Set([...Object.keys(before.models), ...wanted])].filter(
    (reference) => JSON.stringify(before.models[reference]) !== JSON.stringify(lock.models[reference]),
  );
  const stale = files.filter((file) => !file.fresh).map((file) => file.path.slice(root.length + 1));
  return { lock, changed: moved.length > 0 ? moved.sort() : stale, files };
}

/** Here, once, the signature is checked: what is pinned costs a cold start nothing. */
async function fromStore(store: ReadableStore, reference: string, before: Lock, trusted: TrustedKeys) {
  const pinned = Object.hasOwn(before.models, reference) ? before.models[reference]?.digest : undefined;
  const locked = await resolve(store, reference, undefined, pinned);
  await verifySigned(store, locked, trusted);
  return locked;
}

/** Each definition that is named, once. */
async function buildAll(root: string, references: readonly string[]): Promise<Map<string, BuiltVersion>> {
  const models = new Set(references.map((reference) => parseReference(reference).model));
  const built = new Map<string, BuiltVersion>();
  for (const definition of await loadDefinitions(root)) {
    if (models.has(definition.name)) built.set(definition.name, await buildVersion(definition, root));
  }
  return built;
}

/** A channel is what would be published; a version or a digest must be that one, or be locked already: neither ever moves. */
function fromDefinition(reference: string, built: ReadonlyMap<string, BuiltVersion>, before: Lock): LockedVersion {
  const { model, tag, digest, variant } = parseReference(reference);
  const version = built.get(model);
  const defined = version?.locked;
  const fits =
    defined !== undefined &&
    (digest === undefined || digest === defined.digest) &&
    (digest !== undefined || tag === undefined || !isVersionTag(tag) || tag === defined.version);
  if (fits) return variant === undefined ? defined : variantOf(version, variant, reference);
  const kept = Object.hasOwn(before.models, reference) ? before.models[reference] : undefined;
  if (kept && (digest !== undefined || (tag !== undefined && isVersionTag(tag)))) return kept;
  throw new GlowplugError(
    'MODEL_NOT_FOUND',
    defined
      ? `expected ${reference}, models/${model}.ts would publish ${defined.version} (${defined.digest})`
      : `expected models/${model}.ts, which ${reference} needs; there is no such file`,
    { remedy: `Write models/${model}.ts, or name the store that holds it: glowplug lock --store s3://….` },
  );
}

function variantOf(version: BuiltVersion | undefined, variant: string, reference: string): LockedVersion {
  const variants = Object.entries(version?.variants ?? {}).map(([name, { locked }]) => ({ name, locked }));
  return chooseVariant(variants, variant, reference).locked;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A lock file that cannot be read is written anew. */
function parseIfSound(text: string | undefined): Lock {
  try {
    if (text !== undefined) return parseLock(text);
  } catch {
    // Everything counts as changed.
  }
  return { lockVersion: 1, models: {} };
}
