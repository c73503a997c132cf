// What `models/<name>.ts` exports: a model, its version, and where its files come from.
import { GlowplugError, shorten } from '../core/errors.ts';
import type { Gate } from '../core/gate.ts';
import { isModelName, isTag, isVariantName, isVersionTag } from '../models/reference.ts';
import { isFeatures } from '../models/start-form.ts';
import type { Source } from './sources.ts';

/** By file name; `model.onnx` is the model, the rest (labels, keys) is what `models.<name>.text(file)` reads. */
export type ModelFiles = { readonly 'model.onnx': Source } & Readonly<Record<string, Source>>;

export interface VariantDefinition {
  readonly files: ModelFiles;
  /** Of the weights: fp32, fp16, int8. */
  readonly precision?: string;
  /** @default it runs on both */
  readonly architecture?: 'amd64' | 'arm64';
  /** Features that its graph needs of the processor, such as avx512f: only as one of another's `starts` it is opened where they are. */
  readonly needs?: readonly string[];
  /**
   * Variants of the same answers that a cold start opens instead, the first that the processor can run; a container's server, which
   * optimises for itself, opens this one.
   * @default none
   */
  readonly starts?: readonly string[];
}

interface Described {
  /** As references name it; the file is `models/<name>.ts`. */
  readonly name: string;
  /** Written once, such as 1.4.0: raise it when a file changes. */
  readonly version: string;
  /** SPDX expression of the model's licence. */
  readonly license: string;
  readonly description?: string;
}

interface OfFiles extends Described {
  readonly files: ModelFiles;
  readonly variants?: undefined;
  readonly gate?: undefined;
}

interface OfVariants extends Described {
  /** By name: `ppocr-rec:prod#int8` is the variant int8, `ppocr-rec:prod` the first. */
  readonly variants: Readonly<Record<string, VariantDefinition>>;
  readonly files?: undefined;
  /**
   * What `glowplug optimize` must have measured of each variant but the reference, in models/<name>/gate.json, for the version to be
   * published.
   * @default nothing
   */
  readonly gate?: Gate;
}

export type ModelDefinition = OfFiles | OfVariants;

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
  const { name, version, license, description, files, variants, gate, ...unknown } = definition;
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
  if ((files === undefined) === (variants === undefined)) {
    throw invalid(`${at}: expected either files with model.onnx or variants, got ${files ? 'both' : 'neither'}`);
  }
  if (files !== undefined) checkFiles(at, files);
  if (variants !== undefined) checkVariants(at, variants);
  if (gate !== undefined) checkGateBounds(at, gate, Object.keys(variants ?? {}));
  const [surplus] = Object.keys(unknown);
  if (surplus !== undefined) {
    throw invalid(
      `${at}: expected name, version, license, description, and files or variants with a gate, got ${shorten(surplus)}`,
    );
  }
  return definition;
}

function checkVariants(at: string, variants: unknown): void {
  const entries = typeof variants === 'object' && variants !== null ? Object.entries(variants) : [];
  if (entries.length === 0) throw invalid(`${at}: expected variants by name, got ${shorten(variants)}`);
  for (const [name, variant] of entries) {
    const of = `${at}, variant ${shorten(name)}`;
    // A number as a key would come before the others, whatever the definition's order: it would be the default.
    if (!isVariantName(name) || /^\d+$/.test(name)) {
      throw invalid(`${of}: expected a name such as int8, of lower-case letters, digits and . _ -`);
    }
    if (typeof variant !== 'object' || variant === null)
      throw invalid(`${of}: expected files, got ${shorten(variant)}`);
    const { files, precision, architecture, needs, starts, ...unknown } = variant;
    checkFiles(of, files);
    if (precision !== undefined && typeof precision !== 'string') {
      throw invalid(`${of}: expected a precision such as int8, got ${shorten(precision)}`);
    }
    if (architecture !== undefined && architecture !== 'amd64' && architecture !== 'arm64') {
      throw invalid(`${of}: expected the architecture amd64 or arm64, got ${shorten(architecture)}`);
    }
    if (needs !== undefined && !isFeatures(needs)) {
      throw invalid(`${of}: expected needs such as ['avx512f'], as /proc/cpuinfo names them, got ${shorten(needs)}`);
    }
    if (starts !== undefined) checkStarts(of, name, starts, new Map(entries));
    const [surplus] = Object.keys(unknown);
    if (surplus !== undefined) {
      throw invalid(`${of}: expected files, precision, architecture, needs and starts, got ${shorten(surplus)}`);
    }
  }
}

/** What a cold start may always open is the variant itself, so it runs anywhere; a form has no forms. */
function checkStarts(of: string, name: string, starts: unknown, variants: ReadonlyMap<string, unknown>): void {
  if (!Array.isArray(starts) || starts.length === 0) {
    throw invalid(`${of}: expected starts to name variants, got ${shorten(starts)}`);
  }
  for (const form of starts) {
    const found = variants.get(form);
    if (form === name || typeof found !== 'object' || found === null || 'starts' in found) {
      throw invalid(`${of}: expected starts to name other variants, without starts of their own, got ${shorten(form)}`);
    }
  }
}

const bounds = ['cosine', 'maxError', 'relativeError', 'argmax', 'metricLoss'];

function checkGateBounds(at: string, gate: unknown, variants: readonly string[]): void {
  if (variants.length < 2)
    throw invalid(`${at}: expected a gate where there are variants to compare, got ${variants.length}`);
  const entries = typeof gate === 'object' && gate !== null ? Object.entries(gate) : [];
  if (!entries.some(([name]) => bounds.includes(name)))
    throw invalid(`${at}: expected a gate with a bound of ${bounds.join(', ')}, got ${shorten(gate)}`);
  for (const [name, value] of entries) {
    if (name === 'reference') {
      if (!variants.includes(String(value)))
        throw invalid(`${at}: expected the gate’s reference to be a variant, got ${shorten(value)}`);
    } else if (!bounds.includes(name) || typeof value !== 'number' || !(value >= -1)) {
      throw invalid(`${at}: expected bounds of ${bounds.join(', ')}, got ${shorten(name)}: ${shorten(value)}`);
    }
  }
}

function checkFiles(at: string, files: unknown): void {
  if (typeof files !== 'object' || files === null || !('model.onnx' in files)) {
    throw invalid(`${at}: expected files with model.onnx, got ${shorten(files && Object.keys(files))}`);
  }
  for (const [file, source] of Object.entries(files)) {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(file)) {
      throw invalid(`${at}: expected a file name of letters, digits and . _ -, got ${shorten(file)}`);
    }
    if (typeof source !== 'object' || source === null || !('from' in source)) {
      throw invalid(
        `${at}: expected ${file} to be fromPackage(…), fromPath(…), fromUrl(…) or fromRecipe(…), got ${shorten(source)}`,
      );
    }
  }
}

function invalid(message: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', message, { remedy: 'Mend the definition in models/.' });
}
