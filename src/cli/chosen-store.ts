// The store that a command works on: --store, else what the environment says.
import type { Command } from 'commander';
import { readContract } from '../core/contract.ts';
import { openStore } from '../models/stores/open-store.ts';
import type { Store } from '../models/stores/store.ts';

export interface StoreOption {
  readonly store?: string;
}

export function storeOption(command: Command): Command {
  return command.option(
    '--store <store>',
    's3://bucket[/prefix] or a folder (default: GLOWPLUG_STORE, else .glowplug/store)',
  );
}

export async function chosenStore({ store }: StoreOption): Promise<Store> {
  return await openStore(readContract({ ...process.env, ...(store ? { GLOWPLUG_STORE: store } : {}) }));
}
