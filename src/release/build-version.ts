// What publishing a definition would put into the store: a pure function of the definition and the bytes of its files.
import { GlowplugError } from '../core/errors.ts';
import { buildManifest } from '../models/manifest.ts';
import type { BuiltVersion } from '../models/version.ts';
import { readSignature } from '../onnx/signature.ts';
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
    return buildManifest({
      model: name,
      version,
      license,
      ...(description ? { description } : {}),
      files: Object.fromEntries(bytes),
      signature: readSignature(bytes.get('model.onnx') ?? new Uint8Array()),
    });
  } catch (cause) {
    if (!(cause instanceof GlowplugError)) throw cause;
    throw new GlowplugError(cause.code, `models/${name}: ${cause.message}`, { cause, remedy: cause.remedy });
  }
}
