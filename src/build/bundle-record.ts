// Remembers what a bundle was made from, so that an unchanged function is not built again.
import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { FunctionBundle } from './bundle-function.ts';
import { readRecord, sha256, writeWhole } from './project.ts';

/** What the bundle is, less what the caller knows anyway. */
type Bundle = Omit<FunctionBundle, 'name' | 'path'>;

interface Question {
  /** Recipe, esbuild and options. */
  readonly key: readonly unknown[];
  readonly root: string;
  readonly outDir: string;
  readonly lockFile: string;
}

interface Record {
  readonly key: string;
  /** Path relative to the root → sha256; null for a file that was not there. */
  readonly inputs: Readonly<{ [path: string]: string | null }>;
  readonly outputs: Readonly<{ [file: string]: string | null }>;
  readonly bundle: Bundle;
}

/** The bundle that lies in outDir, when every byte that went in and came out is as it was. */
export function keptBundle(question: Question): Bundle | undefined {
  const record = readRecord(recordPath(question));
  if (!isRecord(record) || record.key !== JSON.stringify(question.key)) return undefined;
  const same = (folder: string, files: Record['inputs']) =>
    Object.entries(files).every(([path, digest]) => digestOf(join(folder, path)) === digest);
  return same(question.root, record.inputs) && same(question.outDir, record.outputs) ? record.bundle : undefined;
}

export function keepBundle(
  question: Question,
  bundle: Bundle,
  files: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
): void {
  // package.json and tsconfig.json steer how imports resolve, package-lock.json what they resolve to.
  const lock = relative(question.root, question.lockFile);
  const inputs = [...files.inputs, 'package.json', 'package-lock.json', 'tsconfig.json', lock];
  const digests = (folder: string, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, digestOf(join(folder, name))]));
  const record: Record = {
    key: JSON.stringify(question.key),
    inputs: digests(question.root, inputs),
    outputs: digests(question.outDir, files.outputs),
    bundle,
  };
  writeWhole(recordPath(question), JSON.stringify(record));
}

/** Beside the bundle, not inside: it is not deployed. */
function recordPath({ outDir }: Question): string {
  return join(dirname(outDir), `${basename(outDir)}.inputs.json`);
}

function digestOf(path: string): string | null {
  try {
    return sha256(readFileSync(path));
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record {
  return typeof value === 'object' && value !== null && 'inputs' in value && 'outputs' in value && 'bundle' in value;
}
