// Publishes models of this repository into a folder store and points this process at it, so that a function of it runs here.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { readContract } from '../../src/core/contract.ts';
import { serializeLock } from '../../src/models/lock.ts';
import { publish } from '../../src/models/publish.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import type { LockedVersion } from '../../src/models/version.ts';
import { buildVersion } from '../../src/release/build-version.ts';
import type { ModelDefinition } from '../../src/release/define-model.ts';
import { root } from '../root.ts';

/** Each is locked as `<name>:prod`. Disposing takes all of it away again. */
export async function publishHere(...definitions: readonly ModelDefinition[]): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'glowplug-function-'));
  vi.stubEnv('GLOWPLUG_STORE', join(folder, 'store'));
  vi.stubEnv('GLOWPLUG_CACHE', join(folder, 'cache'));
  vi.stubEnv('GLOWPLUG_LOCK', join(folder, 'models.lock.json'));
  const models: Record<string, LockedVersion> = {};
  for (const definition of definitions) {
    const built = await buildVersion(definition, root);
    await publish(await openStore(readContract()), built);
    models[`${definition.name}:prod`] = built.locked;
  }
  await writeFile(join(folder, 'models.lock.json'), serializeLock({ lockVersion: 1, models }));
  return {
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
