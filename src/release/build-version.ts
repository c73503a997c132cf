// What publishing a definition would put into the store: a pure function of the definition and the bytes of its files.
import { readFile } from 'node:fs/promises';
import { GlowplugError } from '../core/errors.ts';
import { chunksOf } from '../models/chunks.ts';
import { hashFile } from '../models/hash-file.ts';
import { buildManifest, type VersionParts } from '../models/manifest.ts';
import { buildVariants, type VariantParts } from '../models/variants.ts';
import { type BuiltVersion, type Digest, type LocalFile, weightsFile } from '../models/version.ts';
import { nodesOf } from '../onnx/nodes.ts';
import { readModel } from '../onnx/read.ts';
import { readSignature } from '../onnx/signature.ts';
import { splitWeights } from '../onnx/split-weights.ts';
import type { ModelDefinition, ModelFiles, VariantDefinition } from './define-model.ts';
import { keepGenerated } from './keep-generated.ts';
import { locateSource } from './sources.ts';

export interface BuiltDefinition extends BuiltVersion {
  /** Variant → digest of its `model.onnx` as the definition has it, before weights were split off: what was measured. */
  readonly modelDigests: Readonly<Record<string, Digest>>;
}

/**
 * No clock, no host, no measurement: two machines with the same files build the same digest. Files are hashed from disk and stay
 * there; `model.onnx` alone is in memory, while its signature is read and its weights are split off, into `.glowplug`.
 *
 * @throws GlowplugError
 */
export async function buildVersion(definition: ModelDefinition, root: string): Promise<BuiltDefinition> {
  try {
    if (definition.files)
      return { ...(await buildOne(definition, definition.files, undefined, root)).built, modelDigests: {} };
    const parts: VariantParts[] = [];
    const modelDigests: Record<string, Digest> = {};
    for (const [name, { files, precision, architecture, needs, starts }] of Object.entries(definition.variants)) {
      const { built, model, isBound } = await buildOne(definition, files, precision, root);
      if (isBound && !needs) throw unbound(name);
      modelDigests[name] = model;
      parts.push({
        name,
        built,
        ...(precision ? { precision } : {}),
        ...(architecture ? { architecture } : {}),
        ...(needs ? { needs } : {}),
        ...(starts ? { starts } : {}),
      });
    }
    for (const part of parts) checkForms(part, parts);
    const [first, ...rest] = parts;
    if (first) return { ...buildVariants([first, ...rest]), modelDigests };
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
): Promise<{ built: BuiltVersion; model: Digest; isBound: boolean }> {
  const files: Record<string, LocalFile> = {};
  for (const [file, source] of Object.entries(sources)) files[file] = await hashFile(await locateSource(source, root));
  const onnx = files['model.onnx'];
  if (!onnx) throw new GlowplugError('CONFIG_INVALID', 'expected files with model.onnx');
  const model = await readFile(onnx.path);
  const built = buildManifest({
    model: name,
    version,
    license,
    ...(description ? { description } : {}),
    ...(precision ? { precision } : {}),
    ...(await withWeightsApart(files, model, root)),
    signature: readSignature(model),
  });
  return { built, model: onnx.digest, isBound: isBound(model) };
}

/** onnxruntime lays convolutions out for the vectors of one kind of processor: on another it would answer anything. */
function isBound(model: Uint8Array): boolean {
  const domain = 'com.microsoft.nchwc';
  return Buffer.from(model.buffer, model.byteOffset, model.length).includes(domain)
    ? [...nodesOf(readModel(model))].some((node) => node.domain === domain)
    : false;
}

function unbound(name: string): GlowplugError {
  return new GlowplugError(
    'CONFIG_INVALID',
    `variant ${name}: expected what its graph needs of the processor, which onnxruntime laid it out for, got nothing`,
    { remedy: "Say it as optimize --write does (needs: ['avx512f']), or publish the model as it was before." },
  );
}

/** A cold start opens them for the variant: who runs it must see no difference. */
function checkForms({ name, built, starts = [] }: VariantParts, parts: readonly VariantParts[]): void {
  for (const form of starts) {
    const other = parts.find((part) => part.name === form);
    if (JSON.stringify(other?.built.locked.signature) === JSON.stringify(built.locked.signature)) continue;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `variant ${name}: expected starts with its own inputs and outputs, ${form} has others`,
    );
  }
}

/** Under the name that other tools give to external data: a definition that has such a file has split it itself. */
async function withWeightsApart(
  files: Readonly<Record<string, LocalFile>>,
  model: Uint8Array,
  root: string,
): Promise<Pick<VersionParts, 'files' | 'chunks'>> {
  const split = Object.hasOwn(files, weightsFile) ? undefined : splitWeights(model, weightsFile);
  if (!split) return { files };
  const weights = await keepGenerated(split.weights, root);
  return {
    files: { ...files, 'model.onnx': split.graph, [weightsFile]: weights },
    chunks: { [weightsFile]: chunksOf(split.weights) },
  };
}
