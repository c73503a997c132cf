// An .onnx file as a version: its digest, a name that the protocol's paths can carry, its signature; and a link to it
// where the cache would have it, so that it is found, opened and counted as any other version is.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import type { Digest, LockedVersion } from '../models/version.ts';
import { limits } from '../onnx/limits.ts';
import { readSignature } from '../onnx/signature.ts';

/** @throws GlowplugError CONFIG_INVALID (no file there), MODEL_INVALID, MODEL_UNSUPPORTED */
export async function lockModelFile(path: string, cacheDir: string): Promise<LockedVersion> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) {
    throw new GlowplugError('CONFIG_INVALID', `expected an .onnx file at ${path}, found none`, {
      remedy: 'Give the path of an .onnx file: glowplug serve models/iris/iris.onnx.',
    });
  }
  if (found.size > limits.bytes) {
    throw new GlowplugError('MODEL_INVALID', `expected at most ${limits.bytes} bytes, got ${found.size}`, {
      remedy: 'Keep the weights as external data.',
    });
  }
  const signature = readSignature(await readFile(file));
  const digest = await digestOf(file);
  const link = join(cacheDir, 'sha256', digest.slice('sha256:'.length));
  await mkdir(dirname(link), { recursive: true });
  // The same bytes under another name are there already.
  await symlink(file, link).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  const onnx = { digest, size: found.size, mediaType: 'application/vnd.cncf.model.weight.v1.raw' };
  return { model: nameOf(file), version: '1', digest, files: { 'model.onnx': onnx }, signature };
}

/** `My Model.v2.onnx` → `my-model.v2`: what a model's name may be. */
function nameOf(file: string): string {
  const name = basename(file, '.onnx')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, (run) => (run === '.' ? '.' : '-'))
    .slice(0, 100)
    .replace(/^[-.]|[-.]$/g, '');
  return name || 'model';
}

async function digestOf(file: string): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}
