// Every definition of an app into a store.
import { type Published, publish } from '../models/publish.ts';
import type { Actor } from '../models/record-move.ts';
import type { Transfer } from '../models/send-blobs.ts';
import { sign } from '../models/sign.ts';
import type { Signer } from '../models/signer.ts';
import type { Store } from '../models/stores/store.ts';
import { tag } from '../models/tag.ts';
import { floorOf } from '../models/trusted-keys.ts';
import { buildVersion } from './build-version.ts';
import { checkGate } from './check-gate.ts';
import { loadDefinitions } from './load-definitions.ts';
import { readTrustedKeys } from './read-trusted-keys.ts';

/** `by`, `why` and `now` are for the history of the channel; no version depends on them. */
export interface PublishAllOptions extends Actor {
  readonly root: string;
  readonly store: Store;
  /** A channel, such as `prod`, that is moved to each published version. @default no channel moves */
  readonly as?: string;
  /** Signs each version before a channel names it. @default none is signed */
  readonly signer?: Signer;
  /** Hears of each version before its bytes are sent, and while they are. */
  readonly onProgress?: (version: string, transfer: Transfer | undefined) => void;
}

/** One after the other, so that the connections serve one version at a time. @throws GlowplugError STORE_CONFLICT, BELOW_FLOOR, GATE_FAILED */
export async function publishAll(options: PublishAllOptions): Promise<Published[]> {
  const { root, store, as, signer, onProgress, ...actor } = options;
  const published: Published[] = [];
  const trusted = await readTrustedKeys(root);
  for (const definition of await loadDefinitions(root)) {
    const version = `${definition.name}:${definition.version}`;
    onProgress?.(version, undefined);
    const built = await buildVersion(definition, root);
    await checkGate(definition, built.modelDigests, root);
    published.push(await publish(store, built, { onProgress: (transfer) => onProgress?.(version, transfer) }));
    const { model, digest } = built.locked;
    if (signer) await sign(store, `${model}@${digest}`, signer);
    if (as !== undefined) {
      await tag(store, model, { ...actor, from: definition.version, to: as, floor: floorOf(trusted, model) });
    }
  }
  return published;
}
