// Where captured requests, labels and reports are kept, as the commands of quality are told.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { readContract } from '../core/contract.ts';
import { GlowplugError } from '../core/errors.ts';
import { openStore } from '../models/stores/open-store.ts';
import type { Store } from '../models/stores/store.ts';
import { local, localPlace, type RunningCloud } from './running-cloud.ts';

export interface KeptOption {
  readonly kept?: string;
}

export function keptOption(command: Command): Command {
  return command.option(
    '--kept <place>',
    's3://bucket of the QualityMonitor (its output Location), the folder that glowplug serve captures into, or local: that of the glowplug dev that runs here (default: GLOWPLUG_CAPTURE)',
  );
}

/** @throws GlowplugError CONFIG_INVALID where nobody says where */
export async function keptStore(name: string, { kept }: KeptOption): Promise<Store> {
  if (kept === local) {
    // The function is given its own part of the place.
    const place = (environments: RunningCloud['environments']) =>
      environments[name]?.['GLOWPLUG_CAPTURE']?.replace(`/captured/${name}`, '');
    return await openStore(await localPlace(process.cwd(), '--kept', place));
  }
  const contract = readContract();
  const store = kept ?? contract.capture;
  if (store !== undefined) {
    const opened = await openStore({ ...contract, store }, kept === undefined ? 'GLOWPLUG_CAPTURE' : '--kept');
    mustBeThere(store);
    return opened;
  }
  throw new GlowplugError('CONFIG_INVALID', 'expected the place where captured requests are kept, got none', {
    remedy: 'Name it: --kept s3://bucket, which the stack puts out as Location, or --kept folder.',
  });
}

/** Reading a folder that is not there looks like a quiet day, and labels that are put there are never looked at. */
function mustBeThere(store: string): void {
  if (store.startsWith('s3://') || existsSync(store)) return;
  throw new GlowplugError('CONFIG_INVALID', `expected captured requests in ${store}, there is no such folder`, {
    remedy: 'Name the folder that glowplug serve captures into, or s3://bucket, which the stack puts out as Location.',
  });
}
