// glowplug/release: where models come from, and how they are published and locked.

export type { Gate } from '../core/gate.ts';
export { seededRandom } from '../core/seeded-random.ts';
export { describeVersion, type Standing } from '../models/describe-version.ts';
export { history } from '../models/history.ts';
export { type ListedModel, type ListedVersion, listModels, listVersions } from '../models/list-models.ts';
export type { RecordedMove } from '../models/moves.ts';
export { type Pruned, type PruneOptions, prune } from '../models/prune.ts';
export { type Published, type PublishOptions, publish } from '../models/publish.ts';
export { pull } from '../models/pull.ts';
export { readVersion } from '../models/read-version.ts';
export type { Actor } from '../models/record-move.ts';
export { resolve } from '../models/resolve.ts';
export { type Rollback, rollback } from '../models/rollback.ts';
export { type Signed, sign } from '../models/sign.ts';
export { keyFileSigner, type Signer } from '../models/signer.ts';
export { openStore } from '../models/stores/open-store.ts';
export type { Store } from '../models/stores/store.ts';
export { type Move, type Moved, tag } from '../models/tag.ts';
export { parseTrustedKeys, type TrustedKey, type TrustedKeys } from '../models/trusted-keys.ts';
export { verifySigned } from '../models/verify-signed.ts';
export type { BuiltVersion, LocalFile, Lock, LockedVersion, VersionFile } from '../models/version.ts';
export { type Yank, yank } from '../models/yank.ts';
export { characterErrors, type Metric, macroF1, maskIou, topOne, wordErrors } from '../optimize/metric.ts';
export type { Sample } from '../optimize/sample.ts';
export { type AliasMove, aliasWeight } from './alias-weight.ts';
export { type BuiltDefinition, buildVersion } from './build-version.ts';
export { type ChannelMove, channelWeight } from './channel-weight.ts';
export { defineModel, type ModelDefinition, type ModelFiles, type VariantDefinition } from './define-model.ts';
export { type Change, diffVersions, type VersionDiff } from './diff-versions.ts';
export { loadDefinitions } from './load-definitions.ts';
export { type PublishAllOptions, publishAll } from './publish-all.ts';
export { readTrustedKeys } from './read-trusted-keys.ts';
export {
  notBegun,
  type RollOutOptions,
  type RolloutState,
  type RolloutStep,
  rollOut,
  rolloutStep,
  type Weight,
} from './rollout.ts';
export { fromPackage, fromPath, fromRecipe, fromUrl, type Source } from './sources.ts';
export { checkLock, type LockOptions, type WrittenLock, writeLock } from './write-lock.ts';
