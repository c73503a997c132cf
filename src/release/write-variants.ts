// The variants that earn their place, into models/<name>.ts: their recipes, the gate, and what was measured.
import { mkdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { GlowplugError } from '../core/errors.ts';
import { serializeGateRecord, withMeasurement } from '../models/gate-record.ts';
import { digestOf } from '../models/manifest.ts';
import { isModelName } from '../models/reference.ts';
import { type Objective, type Outcome, startsOf } from '../optimize/outcome.ts';
import { applyRecipe, serializeRecipe } from '../optimize/recipe.ts';
import { gatePath, readGateRecord, referenceOf } from './check-gate.ts';
import type { ModelDefinition, ModelFiles, VariantDefinition } from './define-model.ts';
import { definitionText } from './definition-text.ts';
import { loadDefinitions } from './load-definitions.ts';
import { fromPath, fromRecipe } from './sources.ts';
import { writeWhole } from './write-whole.ts';

export interface WriteVariantsOptions {
  readonly root: string;
  /** Of the model. */
  readonly name: string;
  readonly outcome: Outcome;
  readonly modelPath: string;
  readonly bytes: Uint8Array;
  readonly objective: Objective;
}

/**
 * The variants that are best at something stand behind the original, which stays the default: a function chooses one by name
 * (`ppocr-rec:prod#int8`). Returns what was written, relative to the root.
 *
 * @throws GlowplugError CONFIG_INVALID
 */
export async function writeVariants({
  root,
  name,
  outcome,
  modelPath,
  bytes,
  objective,
}: WriteVariantsOptions): Promise<string[]> {
  if (!isModelName(name)) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a name of lower-case letters, digits, and single . _ - between them, got ${name}`,
    );
  }
  const { recommended, variants, gate } = outcome;
  const best = new Set(['fp32', recommended[objective], ...Object.values(recommended)]);
  const formsOf = (name: string) => startsOf(variants, name);
  const winners = new Set([...best].flatMap((name = '') => [name, ...formsOf(name).map((form) => form.name)]));
  const kept = variants.filter((variant) => variant.candidate && winners.has(variant.name));
  if (kept.length === 0) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a variant that is better than ${outcome.model} at something and passes the gate, found none`,
      {
        remedy: 'Publish the model as it is, or allow more loss (--max-loss) if the task allows it.',
      },
    );
  }
  const before = (await loadDefinitions(root)).find((one) => one.name === name);
  const files = originalFiles(before) ?? { 'model.onnx': fromPath(relative(root, resolve(modelPath))) };
  const written: string[] = [];
  const put = async (path: string, text: string) => {
    await writeWhole(join(root, path), text);
    written.push(path);
  };
  await mkdir(join(root, 'models', name), { recursive: true });
  const starts = (variant: string) => {
    const names = formsOf(variant).map((form) => form.name);
    return names.length > 0 ? { starts: names } : {};
  };
  const definitions: Record<string, VariantDefinition> = { fp32: { files, precision: 'fp32', ...starts('fp32') } };
  let record = {
    variants: Object.fromEntries(
      Object.entries((await readGateRecord(name, root)).variants).filter(([variant]) => winners.has(variant)),
    ),
  };
  for (const { name: variant, candidate, figures } of kept) {
    if (!candidate || !figures) continue;
    const path = `models/${name}/${variant}.recipe.json`;
    await put(path, serializeRecipe(candidate.recipe));
    definitions[variant] = {
      files: { ...files, 'model.onnx': fromRecipe(files['model.onnx'], path) },
      precision: candidate.precision,
      ...(candidate.needs ? { needs: candidate.needs } : {}),
      ...starts(variant),
    };
    record = withMeasurement(record, variant, {
      digest: digestOf(applyRecipe(bytes, candidate.recipe)),
      reference: digestOf(bytes),
      processor: outcome.processor,
      figures,
    });
  }
  await put(gatePath(name), serializeGateRecord(record));
  const path = `models/${name}.ts`;
  const head = before ? await headOf(join(root, path)) : [];
  const { version = '1.0.0', license = 'UNKNOWN', description } = before ?? {};
  const definition: ModelDefinition = {
    name,
    version: before ? nextVersion(version) : version,
    license,
    ...(description ? { description } : {}),
    gate,
    variants: definitions,
  };
  await put(path, definitionText(definition, head));
  return written;
}

/** The files of the variant that others are compared with: those of the model as it was given. */
function originalFiles(before: ModelDefinition | undefined): ModelFiles | undefined {
  if (!before?.variants) return before?.files;
  return before.variants[referenceOf(before.gate ?? {}, Object.keys(before.variants))]?.files;
}

/** What a version holds changes with its variants, and a version is written once. */
function nextVersion(version: string): string {
  const parts = /^(\d+)\.(\d+)\.\d+$/.exec(version);
  return parts ? `${parts[1]}.${Number(parts[2]) + 1}.0` : `${version}-optimized`;
}

/** The comment on top, which is a person's. */
async function headOf(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines.slice(0, end);
}
