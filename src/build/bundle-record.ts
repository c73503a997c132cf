// Remembers what a bundle was made from, so that an unchanged function is not built again.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { FunctionBundle } from './bundle-function.ts';
import { codeDigest } from './code-files.ts';
import { buildFolder, readRecord, sha256, writeWhole } from './project.ts';

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
  readonly code: string | undefined;
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
    code: codeDigest(question.outDir),
    bundle,
  };
  writeWhole(recordPath(question), JSON.stringify(record));
}

/** Every bundle of a project, as it was made last: paths are absolute. */
export function keptBundles(root: string): (Bundle & { readonly record: RecordedBundle })[] {
  const folder = join(root, buildFolder, 'functions');
  return filesIn(folder).flatMap((file) => {
    if (!file.endsWith(suffix)) return [];
    const record = readRecord(join(folder, file));
    if (!isRecord(record)) return [];
    const inputs = new Set(Object.keys(record.inputs).map((path) => join(root, path)));
    const outDir = join(folder, file.slice(0, -suffix.length));
    return [{ ...record.bundle, record: { key: JSON.parse(record.key), inputs, outDir, code: record.code } }];
  });
}

export interface RecordedBundle {
  readonly key: readonly unknown[];
  readonly inputs: ReadonlySet<string>;
  readonly outDir: string;
  /** As codeDigest tells it. */
  readonly code: string | undefined;
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const suffix = '.inputs.json';

/** Beside the bundle, not inside: it is not deployed. */
function recordPath({ outDir }: Question): string {
  return join(dirname(outDir), `${basename(outDir)}${suffix}`);
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
