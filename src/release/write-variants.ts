// The variants that earn their place, into models/<name>.ts: their recipes, the gate, and what was measured.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { GlowplugError } from '../core/errors.ts';
import { type Gate, gateFailures } from '../core/gate.ts';
import { serializeGateRecord, type VariantRecord, withMeasurement } from '../models/gate-record.ts';
import { digestOf } from '../models/manifest.ts';
import type { Digest } from '../models/version.ts';
import type { Outcome } from '../optimize/outcome.ts';
import { applyRecipe, serializeRecipe } from '../optimize/recipe.ts';
import { gatePath, readGateRecord, referenceOf } from './check-gate.ts';
import { chooseVariants } from './choose-variants.ts';
import type { ModelDefinition, VariantDefinition } from './define-model.ts';
import { definitionText } from './definition-text.ts';
import { loadDefinitions } from './load-definitions.ts';
import { fromPath, fromRecipe } from './sources.ts';
import { usedReferences } from './used-references.ts';
import { writeWhole } from './write-whole.ts';

export interface WriteVariantsOptions {
  readonly root: string;
  /** Of the model. */
  readonly name: string;
  readonly outcome: Outcome;
  readonly modelPath: string;
  readonly bytes: Uint8Array;
}

export interface WrittenVariants {
  /** What was written, relative to the root; a file that would be the same is left alone. */
  readonly written: readonly string[];
  /** Variants that were defined, and do not pass any more. */
  readonly removed: readonly string[];
  /** Of the definition; the one that it had where nothing of it changed. */
  readonly version: string;
  /** Where the definition lies that was there, if it said more than one that is written can. */
  readonly kept?: string;
}

/**
 * The variants that are best at something stand behind the original, which stays the default: a function chooses one by name
 * (`ppocr-rec:prod#int8`). Those that are defined and still pass stay.
 *
 * @throws GlowplugError CONFIG_INVALID
 */
export async function writeVariants(options: WriteVariantsOptions): Promise<WrittenVariants> {
  const { root, name, outcome, modelPath, bytes } = options;
  const before = (await loadDefinitions(root)).find((one) => one.name === name);
  const defined = before?.variants ?? {};
  const reference = before?.variants ? referenceOf(before.gate ?? {}, Object.keys(defined)) : 'fp32';
  const { files } = defined[reference] ?? before ?? {};
  const original = files ?? { 'model.onnx': fromPath(relative(root, resolve(modelPath))) };
  const recipePath = (variant: string) => `models/${name}/${variant}.recipe.json`;

  const record = await readGateRecord(name, root);
  const recipes = new Map<string, string>();
  const renewed = new Set<string>();
  for (const { name: variant, candidate } of outcome.variants) {
    if (!candidate) continue;
    const recipe = serializeRecipe(candidate.recipe);
    recipes.set(variant, recipe);
    if (!(await holds(join(root, recipePath(variant)), recipe))) renewed.add(variant);
  }
  const digest = digestOf(bytes);
  const passedBefore = (variant: string) => passed(record.variants[variant], outcome.gate, digest);
  const chosen = chooseVariants({ outcome, defined, reference, renewed, passedBefore });
  if (chosen.size === 1) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected a variant that is better than ${outcome.model} at something and passes the gate, found none`,
      {
        remedy: 'Publish the model as it is, or allow more loss (--max-loss) if the task allows it.',
      },
    );
  }
  const removed = Object.keys(defined).filter((variant) => !chosen.has(variant));
  await refuseUsed(root, name, removed);

  const written: string[] = [];
  const put = async (path: string, text: string) => {
    await writeWhole(join(root, path), text);
    written.push(path);
  };
  await mkdir(join(root, 'models', name), { recursive: true });
  const variants: Record<string, VariantDefinition> = {};
  let measurements = {
    variants: Object.fromEntries(Object.entries(record.variants).filter(([variant]) => chosen.has(variant))),
  };
  for (const [variant, starts] of chosen) {
    const { candidate, figures } = outcome.variants.find((one) => one.name === variant) ?? {};
    const { starts: _, ...known } = defined[variant] ?? { precision: candidate?.precision ?? 'fp32', files: original };
    variants[variant] = { ...known, ...(starts.length > 0 ? { starts } : {}) };
    if (variant === reference || !candidate || !figures) continue;
    const path = recipePath(variant);
    variants[variant] = {
      ...variants[variant],
      files: { ...known.files, 'model.onnx': fromRecipe(original['model.onnx'], path) },
      precision: candidate.precision,
      ...(candidate.needs ? { needs: candidate.needs } : {}),
    };
    if (renewed.has(variant)) await put(path, recipes.get(variant) ?? '');
    measurements = withMeasurement(measurements, variant, {
      digest: digestOf(applyRecipe(bytes, candidate.recipe)),
      reference: digest,
      processor: outcome.processor,
      figures,
    });
  }
  const { version = '1.0.0', license = 'UNKNOWN', description } = before ?? {};
  const definition: ModelDefinition = {
    name,
    version,
    license,
    ...(description ? { description } : {}),
    gate: before?.gate?.reference ? { ...outcome.gate, reference } : outcome.gate,
    variants,
  };
  const isChanged = written.length > 0 || !isDeepStrictEqual(definition, before);
  const figures = serializeGateRecord(measurements);
  if (!(await holds(join(root, gatePath(name)), figures))) await put(gatePath(name), figures);
  if (!isChanged) return { written, removed, version };

  const path = `models/${name}.ts`;
  const raised = before ? nextVersion(version) : version;
  const was = before ? await readFile(join(root, path), 'utf8') : '';
  const head = headOf(was);
  const kept = before && bare(was) !== bare(definitionText(before, head)) ? `${path}.before` : undefined;
  if (kept) await writeWhole(join(root, kept), was);
  await put(path, definitionText({ ...definition, version: raised }, head));
  // Last, so that no definition is ever without its recipes.
  for (const variant of removed) await rm(join(root, recipePath(variant)), { force: true });
  return { written, removed, version: raised, ...(kept ? { kept } : {}) };
}

/** JSON, however it was formatted since. */
async function holds(path: string, json: string): Promise<boolean> {
  try {
    return isDeepStrictEqual(JSON.parse(await readFile(path, 'utf8')), JSON.parse(json));
  } catch {
    return false;
  }
}

/** On every processor that it was measured on, against the same model. */
function passed(record: VariantRecord | undefined, gate: Gate, reference: Digest): boolean {
  if (record?.reference !== reference || record.measured.length === 0) return false;
  return record.measured.every(({ figures }) => gateFailures(gate, figures).length === 0);
}

async function refuseUsed(root: string, name: string, removed: readonly string[]): Promise<void> {
  if (removed.length === 0) return;
  for (const reference of await usedReferences(root)) {
    const [model] = reference.split(/[:@]/);
    const variant = removed.find((one) => reference.endsWith(`#${one}`));
    if (model !== name || variant === undefined) continue;
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected ${name}#${variant} to pass still, since a function uses ${reference}; it does not, and nothing was written`,
      { remedy: 'Let the function use another variant, or allow more loss (--max-loss) if the task allows it.' },
    );
  }
}

/** What a version holds changes with its variants, and a version is written once. */
function nextVersion(version: string): string {
  const parts = /^(\d+)\.(\d+)\.\d+$/.exec(version);
  return parts ? `${parts[1]}.${Number(parts[2]) + 1}.0` : `${version}-optimized`;
}

/** The comment on top, which is a person's. */
function headOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('//')),
  );
}

/** Without what a formatter decides. */
function bare(text: string): string {
  return text
    .replace(/\s/g, '')
    .replaceAll('"', "'")
    .replace(/,(?=[}\])])/g, '');
}
