// The signer that a command's key file is.
import { readFile } from 'node:fs/promises';
import { GlowplugError } from '../core/errors.ts';
import { keyFileSigner, type Signer } from '../models/signer.ts';

export async function readSigner(path: string): Promise<Signer> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new GlowplugError('CONFIG_INVALID', `expected a key file at ${path}, it cannot be read`, {
      cause,
      remedy: 'Make one with glowplug keygen <id>, or write CI’s secret into a file.',
    });
  });
  return keyFileSigner(text);
}
