// A Lambda layer as a folder: the same bytes, modes and times wherever it is built, named by its content.
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { GlowplugError, shorten } from '../core/errors.ts';
import { buildFolder, projectRoot, readRecord, sha256, writeWhole } from './project.ts';

/** Lambda's names of the two architectures. */
export const architectures = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

export interface LayerOptions {
  readonly arch: Architecture;
  /**
   * Folder that receives `<name>-<arch>-<digest>`.
   * @default .glowplug/build/layers under the root
   */
  readonly outDir?: string;
  /**
   * Project whose node_modules and package-lock.json the layer is made from.
   * @default the nearest folder with a package.json, from the working folder up
   */
  readonly root?: string;
}

export interface Layer {
  readonly name: string;
  readonly arch: Architecture;
  /** Folder that Lambda mounts as /opt. */
  readonly path: string;
  /** sha256 (hex) over sorted paths, modes and bytes. */
  readonly digest: string;
  /** Unzipped size: the sum of the files' bytes. */
  readonly bytes: number;
}

export interface LayerFile {
  /** Absolute path of what is copied. */
  readonly source: string;
  /** Path inside the layer, with forward slashes. */
  readonly target: string;
}

/** Counts up when the same sources must give another layer. */
const edition = 1;
// dlopen and require read files and run none, so none is executable; no umask of the building machine gets in.
const fileMode = 0o644;
const folderMode = 0o755;
/** 1980-01-01, the earliest time that a zip can hold. */
const fixedTime = new Date(Date.UTC(1980, 0, 1));

/** Copies `files` into a folder named by their content; does nothing when the sources are those of last time. */
export function buildLayer(name: string, options: LayerOptions, files: readonly LayerFile[]): Layer {
  const { arch } = options;
  const folder = options.outDir ?? join(options.root ?? projectRoot(), buildFolder, 'layers');
  const record = join(folder, `${name}-${arch}.json`);
  const sources = sha256(JSON.stringify([edition, ...files.map(fingerprint)]));

  const known = readRecord(record);
  if (isRecord(known) && known.sources === sources) {
    const path = join(folder, `${name}-${arch}-${known.digest}`);
    if (existsSync(path)) return { name, arch, path, digest: known.digest, bytes: known.bytes };
  }

  const temporary = join(folder, `.${name}-${arch}-${randomUUID()}`);
  try {
    const { digest, bytes } = copyFixed(files, temporary);
    const path = join(folder, `${name}-${arch}-${digest}`);
    if (!existsSync(path)) moveInto(temporary, path);
    writeWhole(record, JSON.stringify({ sources, digest, bytes }));
    return { name, arch, path, digest, bytes };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** `x64` is Node's and npm's word for x86_64. */
export function nodeArch(arch: Architecture): 'x64' | 'arm64' {
  if (!architectures.includes(arch)) {
    throw new GlowplugError(
      'CONFIG_INVALID',
      `expected architecture ${architectures.join(' or ')}, got ${shorten(arch)}`,
      {
        remedy: 'Lambda runs on these two alone.',
      },
    );
  }
  return arch === 'x86_64' ? 'x64' : 'arm64';
}

function fingerprint({ source, target }: LayerFile): readonly unknown[] {
  const { size, mtimeMs } = statSync(source);
  return [target, source, size, mtimeMs];
}

function copyFixed(files: readonly LayerFile[], into: string): { digest: string; bytes: number } {
  const digest = createHash('sha256');
  const folders = new Set<string>([into]);
  let bytes = 0;
  for (const { source, target } of [...files].sort((a, b) => (a.target < b.target ? -1 : 1))) {
    const content = readFileSync(source);
    const path = join(into, target);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, fileMode);
    utimesSync(path, fixedTime, fixedTime);
    for (let folder = dirname(path); folder.length > into.length; folder = dirname(folder)) folders.add(folder);
    digest.update(`${target}\0${fileMode.toString(8)}\0${content.length}\0`).update(content);
    bytes += content.length;
  }
  // Deepest first: writing into a folder changes its time.
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    chmodSync(folder, folderMode);
    utimesSync(folder, fixedTime, fixedTime);
  }
  return { digest: digest.digest('hex'), bytes };
}

/** Two builds at once make the same folder; who comes second keeps the first one's. */
function moveInto(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

function isRecord(value: unknown): value is { sources: string; digest: string; bytes: number } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sources' in value &&
    'digest' in value &&
    typeof value.digest === 'string' &&
    'bytes' in value &&
    typeof value.bytes === 'number'
  );
}
