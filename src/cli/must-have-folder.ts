// A file that a command is to write when its work is done: where it cannot, that is said before.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { GlowplugError } from '../core/errors.ts';

/** @throws GlowplugError CONFIG_INVALID */
export function mustHaveFolder(file: string | undefined): void {
  if (file === undefined) return;
  const folder = dirname(file);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new GlowplugError('CONFIG_INVALID', `expected a folder at ${folder} to write ${file} into, there is none`, {
    remedy: 'Make the folder, or write the file into one that is there.',
  });
}
