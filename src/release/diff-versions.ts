// What changes for a function and for the machine between two versions: signature, files, operators, size.
import { readFile } from 'node:fs/promises';
import type { TensorSpec } from '../core/signature.ts';
import { describeVersion } from '../models/describe-version.ts';
import { fetchVersion } from '../models/fetch.ts';
import type { ReadableStore } from '../models/stores/store.ts';
import type { LockedVersion } from '../models/version.ts';
import { type Inspection, inspectModel } from '../onnx/inspect.ts';

export interface VersionDiff {
  readonly from: LockedVersion;
  readonly to: LockedVersion;
  /** Inputs and outputs: when there is none, functions need no change. */
  readonly signature: readonly Change[];
  /** Bytes by file; a file of the same size with other content is in it, too. */
  readonly files: readonly Change[];
  /** How often each operator stands in the graph. */
  readonly operators: readonly Change[];
  /** Parameters, their bytes, opsets, what wrote the file. */
  readonly model: readonly Change[];
}

/** Undefined where there is none. */
export interface Change {
  readonly name: string;
  readonly from: string | number | undefined;
  readonly to: string | number | undefined;
}

/** Fetches both models into the cache. @throws GlowplugError MODEL_NOT_FOUND, MODEL_INVALID, DIGEST_MISMATCH */
export async function diffVersions(
  store: ReadableStore,
  [a, b]: readonly [string, string],
  cacheDir: string,
): Promise<VersionDiff> {
  const [{ locked: from }, { locked: to }] = await Promise.all([describeVersion(store, a), describeVersion(store, b)]);
  // One after the other: each may take the memory that there is.
  const before = await inspectVersion(store, from, cacheDir);
  const after = await inspectVersion(store, to, cacheDir);
  return {
    from,
    to,
    signature: changes(signatureOf(from), signatureOf(to)),
    files: fileChanges(from, to),
    operators: changes(before.operators, after.operators),
    model: changes(factsOf(before), factsOf(after)),
  };
}

async function inspectVersion(store: ReadableStore, locked: LockedVersion, cacheDir: string): Promise<Inspection> {
  const model = locked.files['model.onnx'];
  const alone = { ...locked, files: model ? { 'model.onnx': model } : {} };
  const { paths } = await fetchVersion(store, alone, { cacheDir });
  return inspectModel(await readFile(paths['model.onnx'] ?? ''));
}

function signatureOf({ signature: { inputs, outputs } }: LockedVersion): Record<string, string> {
  const rows = (kind: string, specs: Readonly<Record<string, TensorSpec>>) =>
    Object.entries(specs).map(([name, { datatype, shape }]) => [
      `${kind} ${name}`,
      `${datatype} [${shape.join(', ')}]`,
    ]);
  return Object.fromEntries([...rows('input', inputs), ...rows('output', outputs)]);
}

function factsOf({ parameters, parameterBytes, opsets, producer }: Inspection): Record<string, string | number> {
  const versions = Object.entries(opsets).map(([domain, version]) => [`opset ${domain}`, version]);
  return { parameters, 'bytes of weights': parameterBytes, ...Object.fromEntries(versions), 'written by': producer };
}

function fileChanges(from: LockedVersion, to: LockedVersion): Change[] {
  const names = new Set([...Object.keys(from.files), ...Object.keys(to.files)]);
  return [...names].sort().flatMap((name) => {
    const [before, after] = [from.files[name], to.files[name]];
    return before?.digest === after?.digest ? [] : [{ name, from: before?.size, to: after?.size }];
  });
}

function changes<T extends string | number>(
  from: Readonly<Record<string, T>>,
  to: Readonly<Record<string, T>>,
): Change[] {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...names].flatMap((name) => (from[name] === to[name] ? [] : [{ name, from: from[name], to: to[name] }]));
}
