// The models.keys.json of an app.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keysFile, parseTrustedKeys, type TrustedKeys } from '../models/trusted-keys.ts';

/** Without the file nothing is demanded. @throws GlowplugError CONFIG_INVALID */
export async function readTrustedKeys(root: string): Promise<TrustedKeys> {
  try {
    return parseTrustedKeys(await readFile(join(root, keysFile), 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { keys: {}, floors: {} };
    throw error;
  }
}
