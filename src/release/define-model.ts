// What `models/<name>.ts` exports: a model, its version, and where its files come from.
import { GlowplugError, shorten } from '../core/errors.ts';
import { isModelName, isTag, isVersionTag } from '../models/reference.ts';
import type { Source } from './sources.ts';

export interface ModelDefinition {
  /** As references name it; the file is `models/<name>.ts`. */
  readonly name: string;
  /** Written once, such as 1.4.0: raise it when a file changes. */
  readonly version: string;
  /** SPDX expression of the model's licence. */
  readonly license: string;
  readonly description?: string;
  /** By file name; `model.onnx` is the model, the rest (labels, keys) is what `models.<name>.text(file)` reads. */
  readonly files: { readonly 'model.onnx': Source } & Readonly<Record<string, Source>>;
}

/**
 * Checks a definition and returns it.
 *
 * @throws GlowplugError CONFIG_INVALID
 * @example
 * export default defineModel({
 *   name: 'iris',
 *   version: '1.0.0',
 *   license: 'Apache-2.0',
 *   files: { 'model.onnx': fromPath('models/iris/iris.onnx') },
 * });
 */
export function defineModel(definition: ModelDefinition): ModelDefinition {
  const { name, version, license, description, files, ...unknown } = definition;
  const at = `model ${shorten(name)}`;
  if (typeof name !== 'string' || !isModelName(name)) {
    throw invalid(`expected a name of lower-case letters, digits, and single . _ - between them, got ${shorten(name)}`);
  }
  if (typeof version !== 'string' || !isTag(version) || !isVersionTag(version)) {
    throw invalid(`${at}: expected a version that begins with a digit, such as 1.0.0, got ${shorten(version)}`);
  }
  if (typeof license !== 'string' || license === '') {
    throw invalid(`${at}: expected an SPDX licence, such as Apache-2.0, got ${shorten(license)}`);
  }
  if (description !== undefined && typeof description !== 'string') {
    throw invalid(`${at}: expected a description that is a string, got ${shorten(description)}`);
  }
  if (typeof files !== 'object' || files === null || !('model.onnx' in files)) {
    throw invalid(`${at}: expected files with model.onnx, got ${shorten(files && Object.keys(files))}`);
  }
  for (const [file, source] of Object.entries(files)) {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(file)) {
      throw invalid(`${at}: expected a file name of letters, digits and . _ -, got ${shorten(file)}`);
    }
    if (typeof source !== 'object' || source === null || !('from' in source)) {
      throw invalid(`${at}: expected ${file} to be fromPackage(…), fromPath(…) or fromUrl(…), got ${shorten(source)}`);
    }
  }
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined) {
    throw invalid(`${at}: expected name, version, license, description and files, got ${shorten(surplus)}`);
  }
  return definition;
}

function invalid(message: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { remedy: 'Mend the definition in models/.' });
}
