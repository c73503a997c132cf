// models.lock.json is to models what package-lock.json is to packages: reference → version, its files and signature.
import { GlowplugError, shorten } from '../core/errors.ts';
import { datatypes, type Signature, type TensorSpec } from '../core/signature.ts';
import { isChunks } from './chunks.ts';
import { isDigest, isModelName } from './reference.ts';
import { isFeatures } from './start-form.ts';
import type { Lock, LockedVersion, StartForm, VersionFile } from './version.ts';

/** @throws GlowplugError LOCK_STALE when the text is no lock file of this version of glowplug. */
export function parseLock(text: string): Lock {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new GlowplugError('LOCK_STALE', 'expected models.lock.json to be JSON, it is not', { cause });
  }
  const { lockVersion, models } = record(json, 'the lock file');
  if (lockVersion !== 1) throw stale('lockVersion', 'to be 1', lockVersion);
  return { lockVersion, models: mapRecord(models, 'models', parseVersion) };
}

/** Stable and easy to compare: references and file names in order, one value a line. */
export function serializeLock(lock: Lock): string {
  const models = sorted(lock.models).map(([reference, locked]) => [
    reference,
    {
      model: locked.model,
      version: locked.version,
      digest: locked.digest,
      ...(locked.variant === undefined ? {} : { variant: locked.variant }),
      files: filesOf(locked.files),
      ...(locked.starts === undefined
        ? {}
        : {
            starts: locked.starts.map(({ variant, needs, files }) => ({
              variant,
              ...(needs === undefined ? {} : { needs }),
              files: filesOf(files),
            })),
          }),
      signature: { inputs: tensors(locked.signature.inputs), outputs: tensors(locked.signature.outputs) },
    },
  ]);
  return `${JSON.stringify({ lockVersion: 1, models: Object.fromEntries(models) }, undefined, 2)}\n`;
}

function filesOf(files: LockedVersion['files']): LockedVersion['files'] {
  return Object.fromEntries(
    sorted(files).map(([name, { digest, size, mediaType, chunks }]) => [
      name,
      { digest, size, mediaType, ...(chunks === undefined ? {} : { chunks }) },
    ]),
  );
}

/** The part of the lock that these references need. @throws GlowplugError LOCK_STALE naming what is missing. */
export function lockSlice(lock: Lock, references: readonly string[]): Lock {
  const missing = references.filter((reference) => !Object.hasOwn(lock.models, reference));
  if (missing.length > 0) {
    const held = Object.keys(lock.models);
    throw new GlowplugError(
      'LOCK_STALE',
      `expected ${missing.join(', ')} in models.lock.json, which holds ${held.length > 0 ? held.join(', ') : 'nothing'}`,
    );
  }
  const wanted = new Set(references);
  return { lockVersion: 1, models: Object.fromEntries(sorted(lock.models).filter(([key]) => wanted.has(key))) };
}

export { lockTypes } from './lock-types.ts';

function parseVersion(value: unknown, at: string): LockedVersion {
  const { model, version, digest, variant, files, starts, signature } = record(value, at);
  if (typeof model !== 'string' || !isModelName(model)) throw stale(`${at}.model`, 'to be a model’s name', model);
  if (typeof version !== 'string') throw stale(`${at}.version`, 'to be a string', version);
  if (!isDigest(digest)) throw stale(`${at}.digest`, 'to be sha256:<64 hex digits>', digest);
  if (variant !== undefined && typeof variant !== 'string') throw stale(`${at}.variant`, 'to be a string', variant);
  if (starts !== undefined && !Array.isArray(starts)) throw stale(`${at}.starts`, 'to be an array', starts);
  return {
    model,
    version,
    digest,
    ...(variant === undefined ? {} : { variant }),
    files: parseFiles(files, `${at}.files`),
    ...(starts === undefined ? {} : { starts: starts.map((one, index) => parseStart(one, `${at}.starts[${index}]`)) }),
    signature: parseSignature(signature, `${at}.signature`),
  };
}

function parseStart(value: unknown, at: string): StartForm {
  const { variant, needs, files } = record(value, at);
  if (typeof variant !== 'string') throw stale(`${at}.variant`, 'to be a string', variant);
  if (needs !== undefined && !isFeatures(needs)) throw stale(`${at}.needs`, 'to be features of a processor', needs);
  return { variant, ...(needs === undefined ? {} : { needs }), files: parseFiles(files, `${at}.files`) };
}

function parseFiles(value: unknown, at: string): Record<string, VersionFile> {
  const files = mapRecord(value, at, parseFile);
  if (!Object.hasOwn(files, 'model.onnx')) throw stale(at, 'to hold model.onnx', Object.keys(files));
  return files;
}

function parseFile(value: unknown, at: string): VersionFile {
  const { digest, size, mediaType, chunks } = record(value, at);
  if (!isDigest(digest)) throw stale(`${at}.digest`, 'to be sha256:<64 hex digits>', digest);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw stale(`${at}.size`, 'in bytes', size);
  if (typeof mediaType !== 'string') throw stale(`${at}.mediaType`, 'to be a string', mediaType);
  if (chunks === undefined) return { digest, size, mediaType };
  if (!isChunks(chunks, size)) throw stale(`${at}.chunks`, `to be the digests of ${size} bytes`, chunks);
  return { digest, size, mediaType, chunks };
}

/** Also of a manifest's annotation: `at` names the place in the message. */
export function parseSignature(value: unknown, at: string): Signature {
  const { inputs, outputs } = record(value, at);
  return {
    inputs: mapRecord(inputs, `${at}.inputs`, parseTensor),
    outputs: mapRecord(outputs, `${at}.outputs`, parseTensor),
  };
}

function parseTensor(value: unknown, at: string): TensorSpec {
  const { datatype, shape } = record(value, at);
  const known = datatypes.find((one) => one === datatype);
  if (known === undefined) throw stale(`${at}.datatype`, `to be one of ${datatypes.join(', ')}`, datatype);
  if (!Array.isArray(shape)) throw stale(`${at}.shape`, 'to be an array', shape);
  const dimensions = shape.map((dimension: unknown) => {
    if (typeof dimension === 'string') return dimension;
    if (typeof dimension === 'number' && Number.isSafeInteger(dimension) && dimension >= 0) return dimension;
    throw stale(`${at}.shape`, 'to hold lengths and names', dimension);
  });
  return { datatype: known, shape: dimensions };
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw stale(at, 'to be an object', value);
}

/** Object.fromEntries defines properties: a key `__proto__` stays a key. */
function mapRecord<T>(value: unknown, at: string, parse: (value: unknown, at: string) => T): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record(value, at)).map(([key, inner]) => [key, parse(inner, `${at}[${shorten(key)}]`)]),
  );
}

function stale(at: string, expected: string, got: unknown): GlowplugError {
  return new GlowplugError('LOCK_STALE', `models.lock.json: expected ${at} ${expected}, got ${shorten(got)}`);
}

function sorted<T>(entries: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** In the order of the model, which is the order onnxruntime answers in. */
function tensors(specs: Readonly<Record<string, TensorSpec>>): Record<string, TensorSpec> {
  return Object.fromEntries(Object.entries(specs).map(([name, { datatype, shape }]) => [name, { datatype, shape }]));
}
