// The store that a command works on: --store, else what the environment says.
import type { Command } from 'commander';
import { readContract } from '../core/contract.ts';
import { openStore } from '../models/stores/open-store.ts';
import type { Store } from '../models/stores/store.ts';
import { local, localPlace, type RunningCloud } from './running-cloud.ts';

export interface StoreOption {
  readonly store?: string;
}

export function storeOption(command: Command): Command {
  return command.option(
    '--store <store>',
    's3://bucket[/prefix], a folder, or local: that of the glowplug dev that runs here (default: GLOWPLUG_STORE, else .glowplug/store)',
  );
}

/** `option` is what named it, for whom it cannot be used. */
export async function chosenStore({ store }: StoreOption, option = '--store'): Promise<Store> {
  if (store === local) return await openStore(await localPlace(process.cwd(), option, storeOf));
  if (!store) return await openStore(readContract());
  return await openStore(readContract({ ...process.env, GLOWPLUG_STORE: store }), option);
}

function storeOf(environments: RunningCloud['environments']): string | undefined {
  return Object.values(environments).flatMap((each) => each['GLOWPLUG_STORE'] ?? [])[0];
}
