// One ordered deploy: store, versions, lock file, pins, functions. Every step can be repeated, so that a deploy which was
// killed anywhere is finished by the next one.
import { type Clock, systemClock } from '../core/clock.ts';
import { GlowplugError } from '../core/errors.ts';
import { listModels } from '../models/list-models.ts';
import { pin } from '../models/pin.ts';
import type { Actor } from '../models/record-move.ts';
import { parseReference } from '../models/reference.ts';
import type { Transfer } from '../models/send-blobs.ts';
import type { Signer } from '../models/signer.ts';
import type { Store } from '../models/stores/store.ts';
import { keysFile } from '../models/trusted-keys.ts';
import { verifySigned } from '../models/verify-signed.ts';
import type { Digest, PinnedVersion } from '../models/version.ts';
import { loadDefinitions } from './load-definitions.ts';
import { publishAll } from './publish-all.ts';
import { readTrustedKeys } from './read-trusted-keys.ts';
import { usedReferences } from './used-references.ts';
import { checkLock } from './write-lock.ts';

/** What the synthesised app says. */
export interface DeployPlan {
  readonly stores: readonly PlannedStore[];
  /** Stacks that are deployed after the stores', in any order that their dependencies allow. */
  readonly stacks: readonly PlannedStack[];
}

export interface PlannedStore {
  readonly stack: string;
  /** Output of the stack that holds the store's location. */
  readonly output: string;
  /** Undefined where the stack leaves it to the environment. */
  readonly region?: string;
  /** Its functions run no version without a trusted signature. */
  readonly signed: boolean;
}

export interface PlannedStack {
  readonly stack: string;
  /** `<account>/<region>/<stack>`: whose pins these are. */
  readonly deployment: string;
  /** Stack of the store that its functions read. */
  readonly store: string;
  /** What its functions and endpoints pin. */
  readonly pins: readonly PinnedVersion[];
}

/** What touches AWS. */
export interface DeploySteps {
  /** Deploys these stacks and gives their outputs: stack → output → value. */
  deployStacks(stacks: readonly string[]): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>>;
  openStore(location: string, region: string | undefined): Promise<Store>;
}

export interface DeployOptions extends Actor {
  /** The app. */
  readonly root: string;
  readonly steps: DeploySteps;
  /** A channel that is moved to each published version. @default no channel moves */
  readonly as?: string;
  /** Signs what is published. @default nothing is signed */
  readonly signer?: Signer;
  readonly onStep?: (step: string) => void;
  readonly onTransfer?: (version: string, transfer: Transfer | undefined) => void;
  readonly clock?: Clock;
}

/** @throws GlowplugError LOCK_STALE, MODEL_NOT_FOUND, SIGNATURE_INVALID, CONFIG_INVALID; whatever a step throws */
export async function deploy(
  plan: DeployPlan,
  options: DeployOptions,
): Promise<{ readonly stores: readonly string[] }> {
  const { root, steps, as, signer, onStep = () => {}, onTransfer, clock = systemClock, ...actor } = options;
  const trusted = await readTrustedKeys(root);
  refuseUnsigned(plan, Object.keys(trusted.keys).length);

  onStep(`deploying ${plan.stores.map(({ stack }) => stack).join(', ')}`);
  const outputs = await steps.deployStacks(plan.stores.map(({ stack }) => stack));
  const locations: string[] = [];
  const unfinished: (() => Promise<void>)[] = [];
  for (const planned of plan.stores) {
    const location = outputs[planned.stack]?.[planned.output];
    if (location === undefined) {
      throw new GlowplugError(
        'CONFIG_INVALID',
        `expected stack ${planned.stack} to have the output ${planned.output}`,
        {
          remedy: 'Deploy again: its stack was deployed by something that did not write its outputs.',
        },
      );
    }
    locations.push(location);
    const store = await steps.openStore(location, planned.region);
    onStep(`publishing into ${store.name}`);
    await publishAll({
      root,
      store,
      ...(as === undefined ? {} : { as, ...actor }),
      ...(signer ? { signer } : {}),
      ...(onTransfer ? { onProgress: onTransfer } : {}),
    });

    onStep('checking models.lock.json');
    await mustBeFresh(root, store);
    const readers = plan.stacks.filter((one) => one.store === planned.stack);
    // Floors hold everywhere; who deploys to dev need have no key.
    const demanded = planned.signed ? trusted : { ...trusted, keys: {} };
    for (const locked of readers.flatMap(({ pins }) => pins)) await verifySigned(store, locked, demanded);

    onStep(`pinning what the functions use in ${store.name}`);
    for (const { deployment, pins } of readers) {
      for (const [model, digests] of byModel(pins)) {
        await pin(store, model, { deployment, digests, keep: true, clock });
      }
      unfinished.push(() => unpinEarlier(store, deployment, byModel(pins), clock));
    }
  }

  if (plan.stacks.length > 0) {
    onStep(`deploying ${plan.stacks.map(({ stack }) => stack).join(', ')}`);
    await steps.deployStacks(plan.stacks.map(({ stack }) => stack));
  }
  onStep('taking away the pins of what ran before');
  for (const finish of unfinished) await finish();
  return { stores: locations };
}

function refuseUnsigned({ stores }: DeployPlan, keys: number): void {
  const demanding = stores.find(({ signed }) => signed);
  if (!demanding || keys > 0) return;
  throw new GlowplugError('CONFIG_INVALID', `${demanding.stack} demands signed models, and ${keysFile} names no key`, {
    remedy: `glowplug keygen <id> makes a key and its entry in ${keysFile}; commit that, then deploy with --sign <keyfile>.`,
  });
}

/** As it was written: offline, where models/ defines all that is used, else from the store that has the rest. */
async function mustBeFresh(root: string, store: Store): Promise<void> {
  const defined = new Set((await loadDefinitions(root)).map(({ name }) => name));
  const offline = (await usedReferences(root)).every((reference) => defined.has(parseReference(reference).model));
  const stale = await checkLock({ root, ...(offline ? {} : { store }) });
  if (stale.length > 0) throw new GlowplugError('LOCK_STALE', `models.lock.json is stale: ${stale.join(', ')}`);
}

/** From here on the earlier functions do not come back. A model that is not used any more has its pins in its own index. */
async function unpinEarlier(
  store: Store,
  deployment: string,
  pins: ReadonlyMap<string, readonly Digest[]>,
  clock: Clock,
): Promise<void> {
  for (const { model } of await listModels(store)) {
    await pin(store, model, { deployment, digests: pins.get(model) ?? [], clock });
  }
}

function byModel(pins: readonly PinnedVersion[]): Map<string, Digest[]> {
  const models = new Map<string, Digest[]>();
  for (const { model, digest } of pins) models.set(model, [...new Set([...(models.get(model) ?? []), digest])]);
  return models;
}
