// A path from the command line that must lead to a file: said before anything else is done.
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { GlowplugError } from '../core/errors.ts';

/** @throws GlowplugError CONFIG_INVALID */
export async function mustBeFile(path: string, remedy = 'Give the path of a file that is there.'): Promise<Stats> {
  const found = await stat(path).catch(() => undefined);
  if (found && !found.isDirectory()) return found;
  throw new GlowplugError('CONFIG_INVALID', `expected a file at ${path}, found ${found ? 'a folder' : 'nothing'}`, {
    remedy,
  });
}
