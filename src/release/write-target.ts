// models/<name>.ts before anything is measured for it: the name can be one, and a definition that is there is of this model.
import { relative } from 'node:path';
import { GlowplugError, shorten } from '../core/errors.ts';
import { hashFile } from '../models/hash-file.ts';
import { isModelName } from '../models/reference.ts';
import { referenceOf } from './check-gate.ts';
import type { ModelDefinition } from './define-model.ts';
import { loadDefinitions } from './load-definitions.ts';
import { locateSource } from './sources.ts';

/**
 * The definition that is there; undefined: it will be a new one.
 *
 * @throws GlowplugError CONFIG_INVALID
 */
export async function writeTarget(root: string, name: string, modelPath: string): Promise<ModelDefinition | undefined> {
  if (!isModelName(name)) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a name of lower-case letters, digits, and single . _ - between them, got ${shorten(name)}`,
      { remedy: 'Give --write such a name: ppocr-rec is written into models/ppocr-rec.ts.' },
    );
  }
  const definition = (await loadDefinitions(root)).find((one) => one.name === name);
  if (!definition) return undefined;
  const { files, variants = {}, gate = {} } = definition;
  const source = (files ?? variants[referenceOf(gate, Object.keys(variants))]?.files)?.['model.onnx'];
  if (!source) return definition;
  const its = await hashFile(await locateSource(source, root));
  if (its.digest === (await hashFile(modelPath)).digest) return definition;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `expected ${modelPath} to be the model of models/${name}.ts, which is another file: ${relative(root, its.path)}`,
    { remedy: 'Give --write another name, or optimize the file that the definition names.' },
  );
}
