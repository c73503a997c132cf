// What publishing a definition would put into the store: a pure function of the definition and the bytes of its files.
import { readFile } from 'node:fs/promises';
import { GlowplugError } from '../core/errors.ts';
import { hashFile } from '../models/hash-file.ts';
import { buildManifest } from '../models/manifest.ts';
import { buildVariants, type VariantParts } from '../models/variants.ts';
import type { BuiltVersion, LocalFile } from '../models/version.ts';
import { readSignature } from '../onnx/signature.ts';
import type { ModelDefinition, ModelFiles, VariantDefinition } from './define-model.ts';
import { locateSource } from './sources.ts';

/**
 * No clock, no host, no measurement: two machines with the same files build the same digest. Files are hashed from disk and stay
 * there; `model.onnx` alone is in memory, while its signature is read.
 *
 * @throws GlowplugError
 */
export async function buildVersion(definition: ModelDefinition, root: string): Promise<BuiltVersion> {
  try {
    if (definition.files) return await buildOne(definition, definition.files, undefined, root);
    const parts: VariantParts[] = [];
    for (const [name, { files, precision, architecture }] of Object.entries(definition.variants)) {
      const built = await buildOne(definition, files, precision, root);
      parts.push({ name, built, ...(precision ? { precision } : {}), ...(architecture ? { architecture } : {}) });
    }
    const [first, ...rest] = parts;
    if (first) return buildVariants([first, ...rest]);
    throw new GlowplugError('CONFIG_INVALID', 'expected at least one variant');
  } catch (cause) {
    if (!(cause instanceof GlowplugError)) throw cause;
    const message = `models/${definition.name}: ${cause.message}`;
    throw new GlowplugError(cause.code, message, { cause, remedy: cause.remedy });
  }
}

async function buildOne(
  { name, version, license, description }: ModelDefinition,
  sources: ModelFiles,
  precision: VariantDefinition['precision'],
  root: string,
): Promise<BuiltVersion> {
  const files: Record<string, LocalFile> = {};
  for (const [file, source] of Object.entries(sources)) files[file] = await hashFile(await locateSource(source, root));
  return buildManifest({
    model: name,
    version,
    license,
    ...(description ? { description } : {}),
    ...(precision ? { precision } : {}),
    files,
    signature: readSignature(await readFile(files['model.onnx']?.path ?? '')),
  });
}
