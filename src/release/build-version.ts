// What publishing a definition would put into the store: a pure function of the definition and the bytes of its files.
import { GlowplugError } from '../core/errors.ts';
import { chunksOf } from '../models/chunks.ts';
import { buildManifest } from '../models/manifest.ts';
import { type BuiltVersion, weightsFile } from '../models/version.ts';
import { readSignature } from '../onnx/signature.ts';
import { splitWeights } from '../onnx/split-weights.ts';
import type { ModelDefinition } from './define-model.ts';
import { readSource } from './sources.ts';

/** No clock, no host, no measurement: two machines with the same files build the same digest. @throws GlowplugError */
export async function buildVersion(definition: ModelDefinition, root: string): Promise<BuiltVersion> {
  const { name, version, license, description, files } = definition;
  try {
    const read = await Promise.all(
      Object.entries(files).map(async ([file, source]) => [file, await readSource(source, root)] as const),
    );
    const bytes = new Map(read);
    const model = bytes.get('model.onnx') ?? new Uint8Array();
    const signature = readSignature(model);
    // Under the name that other tools give to external data; a definition that has such a file has split it itself.
    const split = bytes.has(weightsFile) ? undefined : splitWeights(model, weightsFile);
    if (split) bytes.set('model.onnx', split.graph).set(weightsFile, split.weights);
    return buildManifest({
      model: name,
      version,
      license,
      ...(description ? { description } : {}),
      files: Object.fromEntries(bytes),
      ...(split ? { chunks: { [weightsFile]: chunksOf(split.weights) } } : {}),
      signature,
    });
  } catch (cause) {
    if (!(cause instanceof GlowplugError)) throw cause;
    throw new GlowplugError(cause.code, `models/${name}: ${cause.message}`, { cause, remedy: cause.remedy });
  }
}
