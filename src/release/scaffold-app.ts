// A new app around one model: whole in its folder, or not there at all.
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GlowplugError, shorten } from '../core/errors.ts';
import { temporaryPath } from '../models/owner.ts';
import { isModelName } from '../models/reference.ts';
import { createOrtSession } from '../session/ort.ts';
import { sampleRequest } from './sample-request.ts';

export interface NewApp {
  /** Absent or empty; its name becomes the app's. */
  readonly folder: string;
  /** Names the model and its function. */
  readonly name: string;
  /** Path of the .onnx file. */
  readonly model: string;
  /** SPDX identifier of the model's licence. */
  readonly license: string;
  /** What package.json asks for. @default this version */
  readonly glowplug?: string;
}

/**
 * Looks at the model, finds a request that it answers, and writes the app.
 *
 * @throws GlowplugError CONFIG_INVALID (a folder that holds something, a name), MODEL_INVALID, MODEL_UNSUPPORTED
 */
export async function scaffoldApp({ folder, name, model, license, glowplug }: NewApp): Promise<string[]> {
  const target = resolve(folder);
  const app = target.split(/[\\/]/).at(-1)?.toLowerCase() ?? '';
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(app)) throw refused('a folder named with letters, digits and -', app);
  if (!isModelName(name) || !/^[a-z]/.test(name)) throw refused('a model’s name such as ppocr-rec', name);
  const held = await readdir(target).catch(() => []);
  if (held.length > 0) throw refused(`${target} to be absent or empty`, `a folder that holds ${held[0]}`);

  if (!existsSync(model)) throw refused(`a model at ${model}`, 'no such file');

  await using session = await createOrtSession(model, { threads: 1 });
  const request = await sampleRequest(session);
  const own = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
  const words: Record<string, string> = {
    app,
    name,
    license,
    glowplug: glowplug ?? `^${own.version}`,
    devDependencies: JSON.stringify(
      pick({ ...own.peerDependencies, ...own.devDependencies }, tools),
      null,
      2,
    ).replaceAll('\n', '\n  '),
    outputs: Object.keys(session.signature.outputs).join(', ').replaceAll(/['\\]/g, '\\$&'),
  };

  const temporary = temporaryPath(dirname(target));
  try {
    await copyFilled(fileURLToPath(new URL('templates/app/', root)), temporary, words);
    await cp(model, join(temporary, 'models', `${name}.onnx`));
    await writeFile(join(temporary, 'functions', name, 'request.json'), `${JSON.stringify(request)}\n`);
    await rename(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const made = await readdir(target, { recursive: true, withFileTypes: true });
  return made.flatMap((one) => (one.isFile() ? relative(target, join(one.parentPath, one.name)) : [])).sort();
}

/** Of the package, from src/ and from dist/ alike. */
const root = new URL('../../', import.meta.url);
/** What a new app needs beside glowplug, in the versions that this one was tested with. */
const tools = ['aws-cdk', 'aws-cdk-lib', 'constructs', 'aws-lambda-ric', 'typescript', 'vitest', '@types/node'];
/** npm leaves out or renames files of these names in a package. */
const renamed: Record<string, string> = {
  github: '.github',
  gitignore: '.gitignore',
  npmrc: '.npmrc',
  'package.json.template': 'package.json',
  'tsconfig.json.template': 'tsconfig.json',
};

async function copyFilled(from: string, to: string, words: Record<string, string>): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const path = join(to, filled(renamed[entry.name] ?? entry.name, words));
    if (entry.isDirectory()) await copyFilled(join(from, entry.name), path, words);
    else await writeFile(path, filled(await readFile(join(from, entry.name), 'utf8'), words));
  }
}

function filled(text: string, words: Record<string, string>): string {
  return text.replaceAll(/__(\w+?)__/g, (all, word: string) => words[word] ?? all);
}

function pick(from: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
}

function refused(expected: string, got: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `expected ${expected}, got ${shorten(got)}`, {
    remedy: 'glowplug init my-app --model path/to/model.onnx --name my-model',
  });
}
