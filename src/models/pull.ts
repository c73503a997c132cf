// A version's files into a folder, under their own names, for a person or another tool.
import { join } from 'node:path';
import { GlowplugError, shorten } from '../core/errors.ts';
import { blobSource } from './blob-source.ts';
import { hashFile } from './hash-file.ts';
import { resolve } from './resolve.ts';
import type { SendOptions } from './send-blobs.ts';
import type { ReadableStore } from './stores/store.ts';
import { isThere, writeVerified } from './verified-file.ts';
import type { LockedVersion } from './version.ts';

/**
 * What is there with the right bytes is kept; anything else of the name is replaced.
 *
 * @throws GlowplugError MODEL_NOT_FOUND, DIGEST_MISMATCH, STORE_UNAVAILABLE, DISK_FULL
 */
export async function pull(
  store: ReadableStore,
  reference: string,
  folder: string,
  { signal, onProgress }: SendOptions = {},
): Promise<LockedVersion> {
  const locked = await resolve(store, reference, signal);
  const files = Object.entries(locked.files);
  const total = files.reduce((sum, [, { size }]) => sum + size, 0);
  let [skipped, sent] = [0, 0];
  for (const [name, { digest, size }] of files) {
    const path = join(folder, plainName(name));
    if ((await isThere(path, size)) && (await hashFile(path)).digest === digest) {
      skipped += size;
      onProgress?.({ total, skipped, sent });
      continue;
    }
    const what = `${reference} ${name}`;
    const onBytes = (bytes: number) => {
      sent += bytes;
      onProgress?.({ total, skipped, sent });
    };
    const source = blobSource(store, { model: locked.model, digest, size, what }, onBytes, signal);
    await writeVerified(path, { digest, size, what }, source);
  }
  return locked;
}

/** A manifest may be anybody's: what it calls a file must not leave the folder. */
function plainName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name)) return name;
  throw new GlowplugError('MODEL_NOT_FOUND', `expected a file name of letters, digits and . _ -, got ${shorten(name)}`);
}
