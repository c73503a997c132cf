// glowplug/release: where models come from, and how they are published and locked.
export { type Pruned, type PruneOptions, prune } from '../models/prune.ts';
export { type Published, type PublishOptions, publish } from '../models/publish.ts';
export { pull } from '../models/pull.ts';
export { readVersion } from '../models/read-version.ts';
export { resolve } from '../models/resolve.ts';
export { openStore } from '../models/stores/open-store.ts';
export type { Store } from '../models/stores/store.ts';
export { type Move, tag } from '../models/tag.ts';
export type { BuiltVersion, LocalFile, Lock, LockedVersion, VersionFile } from '../models/version.ts';
export { buildVersion } from './build-version.ts';
export { defineModel, type ModelDefinition, type ModelFiles, type VariantDefinition } from './define-model.ts';
export { loadDefinitions } from './load-definitions.ts';
export { type PublishAllOptions, publishAll } from './publish-all.ts';
export { fromPackage, fromPath, fromUrl, type Source } from './sources.ts';
export { checkLock, type LockOptions, type WrittenLock, writeLock } from './write-lock.ts';
