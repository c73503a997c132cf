// Which model a file of the cache is of, for the labels of metrics: the cache knows digests alone.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLock } from '../models/lock.ts';
import type { UnitSpec } from './serving-messages.ts';

/** Name of a cached file (its digest's digits) → name of the model. */
export async function readLockedModels(specs: readonly UnitSpec[]): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const spec of specs) {
    const path = spec.kind === 'models' ? spec.lockFile : join(spec.folder, 'models.lock.json');
    const text = await readFile(path, 'utf8').catch(() => undefined);
    for (const { model, files } of Object.values(text === undefined ? {} : parseLock(text).models)) {
      for (const { digest } of Object.values(files)) names.set(digest.slice('sha256:'.length), model);
    }
  }
  return names;
}
