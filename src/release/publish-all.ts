// Every definition of an app into a store.
import { type Published, publish } from '../models/publish.ts';
import type { Transfer } from '../models/send-blobs.ts';
import type { Store } from '../models/stores/store.ts';
import { tag } from '../models/tag.ts';
import { buildVersion } from './build-version.ts';
import { loadDefinitions } from './load-definitions.ts';

export interface PublishAllOptions {
  readonly root: string;
  readonly store: Store;
  /** A channel, such as `prod`, that is moved to each published version. @default no channel moves */
  readonly as?: string;
  /** Hears of each version before its bytes are sent, and while they are. */
  readonly onProgress?: (version: string, transfer: Transfer | undefined) => void;
}

/** One after the other, so that the connections serve one version at a time. @throws GlowplugError STORE_CONFLICT */
export async function publishAll({ root, store, as, onProgress }: PublishAllOptions): Promise<Published[]> {
  const published: Published[] = [];
  for (const definition of await loadDefinitions(root)) {
    const version = `${definition.name}:${definition.version}`;
    onProgress?.(version, undefined);
    const built = await buildVersion(definition, root);
    published.push(await publish(store, built, { onProgress: (transfer) => onProgress?.(version, transfer) }));
    if (as !== undefined) await tag(store, definition.name, { from: built.locked.digest, to: as });
  }
  return published;
}
