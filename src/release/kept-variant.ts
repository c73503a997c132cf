// A variant that was made before, of the same model by the same recipe and the same code, is not made again.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { once } from '../core/once.ts';
import { hashFile } from '../models/hash-file.ts';
import { digestOf } from '../models/manifest.ts';
import { temporaryPath } from '../models/owner.ts';
import { isDigest } from '../models/reference.ts';
import type { Digest, LocalFile } from '../models/version.ts';
import { keepGenerated } from './keep-generated.ts';

/** `make` where none is kept in `.glowplug/generated` under `root`, or where what lies there is not what was made. */
export async function keptVariant(
  { model, recipe, root }: { readonly model: Digest; readonly recipe: string; readonly root: string },
  make: () => Promise<Uint8Array>,
): Promise<LocalFile> {
  const generated = join(root, '.glowplug', 'generated');
  const key = createHash('sha256')
    .update(JSON.stringify([codeDigest(), model, recipe]))
    .digest('hex');
  const note = join(generated, `${key}.made`);
  const digest = (await readFile(note, 'utf8').catch(() => '')).trim();
  if (isDigest(digest)) {
    const kept = await hashFile(join(generated, digest.slice('sha256:'.length))).catch(() => undefined);
    if (kept?.digest === digest) return kept;
  }
  const made = await keepGenerated(await make(), root);
  const temporary = temporaryPath(generated);
  await writeFile(temporary, made.digest);
  await rename(temporary, note);
  return made;
}

/** Of all that makes a variant: glowplug's own files, the library that reads and writes ONNX, and Node, whose arithmetic it is. */
const codeDigest = once(() => {
  const source = dirname(import.meta.dirname);
  const hash = createHash('sha256').update(process.version);
  hash.update(readFileSync(createRequire(import.meta.url).resolve('onnx-buf/package.json')));
  for (const folder of ['core', 'onnx', 'optimize', 'tensor']) {
    const files = readdirSync(join(source, folder), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
    for (const path of paths) hash.update(`${path.slice(source.length)} ${digestOf(readFileSync(path))}\n`);
  }
  return hash.digest('hex');
});
