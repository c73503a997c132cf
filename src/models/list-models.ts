// What a store holds: its models with their channels, and a model's versions.
import { GlowplugError } from '../core/errors.ts';
import { type Standing, standingOf } from './describe-version.ts';
import { compareVersions } from './floor.ts';
import { type ModelIndex, readIndex, tagOf, versionOf } from './model-index.ts';
import { isVersionTag } from './reference.ts';
import { resolve } from './resolve.ts';
import type { ReadableStore, Store } from './stores/store.ts';
import type { Digest } from './version.ts';

export interface ListedModel {
  readonly model: string;
  /** The newest first. */
  readonly versions: readonly string[];
  /** Channel → version, or digest where the version has no tag. */
  readonly channels: Readonly<Record<string, string>>;
}

export interface ListedVersion extends Standing {
  readonly version: string;
  readonly digest: Digest;
  /** Bytes of all files. */
  readonly size: number;
}

/** Lists every key of the store, 1,000 a request, and reads each model's index. */
export async function listModels(store: Store): Promise<ListedModel[]> {
  const models: ListedModel[] = [];
  for await (const key of store.list('')) {
    if (!key.endsWith('/index.json')) continue;
    const model = key.slice(0, -'/index.json'.length);
    const found = await readIndex(store, model);
    if (found) models.push({ model, versions: versionsOf(found.index), channels: channelsOf(found.index) });
  }
  return models;
}

/** Reads the index and each version's manifest; the newest first. @throws GlowplugError MODEL_NOT_FOUND */
export async function listVersions(store: ReadableStore, model: string): Promise<ListedVersion[]> {
  const found = await readIndex(store, model);
  if (!found) throw new GlowplugError('MODEL_NOT_FOUND', `expected ${model} in ${store.name}, which has no such model`);
  const { index, manifests } = found;
  const listed: ListedVersion[] = [];
  for (const version of versionsOf(index)) {
    const { digest } = manifests.find((one) => tagOf(one) === version)!;
    const { files } = await resolve(store, `${model}@${digest}`);
    const size = Object.values(files).reduce((sum, file) => sum + file.size, 0);
    listed.push({ version, digest, size, ...standingOf(index, digest) });
  }
  return listed;
}

function versionsOf({ manifests }: ModelIndex): string[] {
  const tags = manifests.flatMap((one) => tagOf(one) ?? []);
  return tags.filter(isVersionTag).sort((a, b) => compareVersions(b, a));
}

function channelsOf({ manifests }: ModelIndex): Record<string, string> {
  const channels = manifests.flatMap((one) => {
    const tag = tagOf(one);
    return tag === undefined || isVersionTag(tag)
      ? []
      : [[tag, versionOf(manifests, one.digest) ?? one.digest] as const];
  });
  return Object.fromEntries(channels);
}
