// A hashed file of so many bytes that repeat nowhere, gone when the test ends.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '../../src/models/hash-file.ts';
import type { LocalFile } from '../../src/models/version.ts';
import { temporaryFolder } from './temporary.ts';

export async function localFile(size: number, seed = 1): Promise<AsyncDisposable & { readonly local: LocalFile }> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'weights.bin');
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, x = seed; i < words.length; i++) words[i] = x = Math.imul(x, 1664525) + 1013904223;
  await writeFile(path, new Uint8Array(words.buffer, 0, size));
  return { local: await hashFile(path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
