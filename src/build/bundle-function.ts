// Turns a function's TypeScript into the folder that Lambda loads: its code, maps, its models' slice of the lock file.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync, version as esbuildVersion } from 'esbuild';
import { GlowplugError } from '../core/errors.ts';
import { lockSlice, parseLock, serializeLock } from '../models/lock.ts';
import type { Lock } from '../models/version.ts';
import { bundleCode, type Code, externalsOf } from './bundle-code.ts';
import { keepBundle, keptBundle, keptBundles } from './bundle-record.ts';
import { codeFiles } from './code-files.ts';
import { findReferences } from './find-references.ts';
import { buildFolder, projectRoot, sha256, writeWhole } from './project.ts';
import { recipe } from './recipe.ts';

export interface BundleOptions {
  /** The function's TypeScript: `functions/ocr/function.ts`; it exports `handler`. */
  readonly entry: string;
  /**
   * Folder of the bundle: `start.js`, which asks for the bytes of the models, `index.js` with the function, `later.js` with what
   * `import()` brings, `init.mjs`, which loads them in this order, their maps, `package.json`, `models.lock.json`, the licences of
   * what went in.
   * @default .glowplug/build/functions/<name of the entry's folder> under the root
   */
  readonly outDir?: string;
  /**
   * Lock file of the app.
   * @default models.lock.json at the root
   */
  readonly lock?: string;
  /**
   * References of the models that the function uses, where they are computed and cannot be read from its text.
   * @default the string values of `models: { … }`, and every reference of the lock file that the bundle spells out
   */
  readonly references?: readonly string[];
  /**
   * With the file that runs sessions in threads of their own beside the handler: Managed Instances need it.
   * @default false
   */
  readonly sessionThreads?: boolean;
  /**
   * The project.
   * @default the nearest folder with a package.json, from the entry up
   */
  readonly root?: string;
}

export interface FunctionBundle {
  readonly name: string;
  /** Folder; its handler is `init.handler`. */
  readonly path: string;
  /** sha256 (hex) over the names and bytes of its files. */
  readonly digest: string;
  /** Sum of its files. */
  readonly bytes: number;
  /** Packages that are not inside and come from layers: onnxruntime-node, sharp. */
  readonly externals: readonly string[];
  readonly references: readonly string[];
  /** Slice of the lock file that lies beside the handler. */
  readonly lock: Lock;
}

/** Counts up when the same inputs must give another bundle. */
const edition = 6;

/**
 * The handler `init.handler` is `index.handler` whose models travel while it is loaded, and whose init ends when it is warm where
 * nobody waits for init and Lambda freezes what has ended it: for provisioned concurrency and SnapStart. CommonJS cannot wait.
 */
const initModule = `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
await require('./start.js').askForModels();
const { handler } = require('./index.js');
await handler.initialized?.();
export { handler };
`;

/**
 * Bundles one function with the one `recipe`. The same inputs give the same bytes in any working folder; when none has
 * changed nothing is built. Throws CONFIG_INVALID (what esbuild refuses) and LOCK_STALE (a model that is not locked).
 *
 * @example
 * const { path, bytes, externals } = bundleFunction({ entry: 'functions/ocr/function.ts' });
 */
export function bundleFunction(options: BundleOptions): FunctionBundle {
  const entry = resolve(options.root ?? '', options.entry);
  if (!existsSync(entry)) {
    throw new GlowplugError('CONFIG_INVALID', `expected the function’s code at ${options.entry}, found no such file`, {
      remedy: 'Create it, or name the function.ts that is there.',
    });
  }
  const root = options.root ? resolve(options.root) : projectRoot(dirname(entry));
  const name = basename(dirname(entry));
  const threads = options.sessionThreads ?? false;
  const folder = threads ? `${name}-threads` : name;
  const outDir = options.outDir ? resolve(root, options.outDir) : join(root, buildFolder, 'functions', folder);
  const lockFile = resolve(root, options.lock ?? 'models.lock.json');
  const key = [edition, esbuildVersion, relative(root, entry), options.references ?? null, threads];

  const kept = keptBundle({ key, root, outDir, lockFile });
  if (kept) return { name, path: outDir, ...kept };

  const { code, inputs, externals, ...built } = build(entry, root, threads);
  const files = new Map(built.files);
  const lock = sliceFor(code, lockFile, options.references);
  const references = Object.keys(lock.models);
  // Without it index.js is an ES module wherever a package.json above says so, as this repository's does.
  files.set('package.json', Buffer.from('{"type":"commonjs"}\n'));
  files.set('init.mjs', Buffer.from(initModule));
  if (references.length > 0) files.set('models.lock.json', Buffer.from(serializeLock(lock)));

  writeBundle(outDir, files);
  const digests = [...files].map(([file, bytes]) => [file, sha256(bytes)]);
  const bundle = {
    digest: sha256(JSON.stringify(digests.sort())),
    bytes: [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0),
    externals,
    references,
    lock,
  };
  keepBundle({ key, root, outDir, lockFile }, bundle, { inputs, outputs: [...files.keys()] });
  return { name, path: outDir, ...bundle };
}

/** A bundle that was made before, and what it takes to make it again. */
export interface RememberedBundle extends Omit<FunctionBundle, 'name' | 'path'> {
  /** Absolute paths of what went in. */
  readonly inputs: ReadonlySet<string>;
  /** As codeDigest tells it. */
  readonly code: string | undefined;
  again(): FunctionBundle;
}

/** What this version of glowplug bundled in a project, into the usual folders. */
export function rememberedBundles(root: string): RememberedBundle[] {
  return keptBundles(root).flatMap(({ record: { key, inputs, outDir, code }, ...bundle }) => {
    const [made, by, entry, references, sessionThreads] = key;
    if (made !== edition || by !== esbuildVersion || typeof entry !== 'string') return [];
    const given = Array.isArray(references) ? { references } : {};
    const again = () =>
      bundleFunction({ entry: join(root, entry), root, outDir, sessionThreads: sessionThreads === true, ...given });
    return [{ ...bundle, inputs, code, again }];
  });
}

/** What runs a session in a thread; src/session/worker.ts looks for it beside itself, which is beside index.js here. */
const sessionThread = ownModule('session/worker-thread');
/** What each bundle begins with. */
export const startModule = ownModule('handler/ask-for-models');

function ownModule(name: string): string {
  return fileURLToPath(new URL(`../${name}${extname(import.meta.url)}`, import.meta.url));
}

function build(entry: string, root: string, threads: boolean) {
  const { exports, ...built } = bundled(entry, root, () => bundleCode(entry, startModule, root));
  if (!exports.includes('handler')) {
    throw new GlowplugError('CONFIG_INVALID', `expected ${relative(root, entry)} to export handler, it does not`, {
      remedy: 'export const handler = inference({ … });',
    });
  }
  const code = codeFiles.map((file) => Buffer.from(built.files.get(file) ?? []).toString()).join('\n');
  if (!threads) return { ...built, code };
  const thread = bundled(sessionThread, root, () => bundleThread(root));
  return {
    code,
    files: new Map([...built.files, ...thread.files]),
    inputs: [...built.inputs, ...thread.inputs],
    externals: [...new Set([...built.externals, ...thread.externals])].sort(),
  };
}

function bundleThread(root: string): Omit<Code, 'exports'> {
  const { outputFiles, metafile } = buildSync({
    ...recipe(root),
    entryPoints: [sessionThread],
    outfile: join(root, buildFolder, 'functions', 'any', 'worker-thread.js'),
    write: false,
    metafile: true,
  });
  return {
    files: new Map(outputFiles.map(({ path, contents }) => [basename(path), contents])),
    inputs: Object.keys(metafile.inputs),
    externals: externalsOf(metafile),
  };
}

function bundled<T>(entry: string, root: string, bundle: () => T): T {
  try {
    return bundle();
  } catch (cause) {
    // "Build failed with 1 error:\nfile:line:column: ERROR: …"
    const [head = '', first = head] = String(cause instanceof Error ? cause.message : cause).split('\n');
    const [, absent] = /Could not resolve "((?:@[^/"]+\/)?[^@#./"][^/"]*)/.exec(first) ?? [];
    throw new GlowplugError('CONFIG_INVALID', `${relative(root, entry)} cannot be bundled: ${first}`, {
      cause,
      remedy: `${absent ? `npm i ${absent}, or mend` : 'Mend'} the file that the message names.`,
    });
  }
}

function sliceFor(code: string, lockFile: string, given: readonly string[] | undefined): Lock {
  const lock = existsSync(lockFile) ? parseLock(readFileSync(lockFile, 'utf8')) : undefined;
  const references = given ?? findReferences(code, Object.keys(lock?.models ?? {}));
  if (references.length === 0) return { lockVersion: 1, models: {} };
  if (lock) return lockSlice(lock, references);
  throw new GlowplugError('LOCK_STALE', `expected ${references.join(', ')} in ${lockFile}, found no such file`);
}

/** Each file is replaced whole and never absent: a running local cloud may be reading. */
function writeBundle(outDir: string, files: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(outDir, { recursive: true });
  for (const [file, bytes] of files) writeWhole(join(outDir, file), bytes);
  // What not every bundle has, an earlier one may have left.
  for (const file of ['models.lock.json', 'index.js.LEGAL.txt', 'later.js', 'later.js.map']) {
    if (!files.has(file)) rmSync(join(outDir, file), { force: true });
  }
}
