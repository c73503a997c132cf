// glowplug init: a new app around a model, asked for or told.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { scaffoldApp } from '../release/scaffold-app.ts';
import { nodeFinding } from './machine-checks.ts';
import { command, exitCodes, printJson, printLine, printProgress } from './print.ts';

interface Options {
  readonly model?: string;
  readonly name?: string;
  readonly license: string;
  readonly install: boolean;
  readonly yes?: boolean;
  readonly glowplug?: string;
  readonly json?: boolean;
}

interface Answers {
  readonly folder: string;
  readonly model: string;
  readonly name: string;
}

export function initCommand(): Command {
  return new Command('init')
    .description(
      'Make a new app in an empty folder: a model, its function, its infrastructure, and a test that passes.',
    )
    .argument('[folder]', 'absent or empty')
    .option('--model <file>', 'an .onnx file (default: a small classifier of irises)')
    .option('--name <name>', 'name of the model and its function (default: the file’s)')
    .option('--license <spdx>', 'the model’s licence', 'UNLICENSED')
    .option('--no-install', 'do not run npm install and glowplug lock')
    .option('-y, --yes', 'ask nothing')
    .option('--glowplug <what>', 'what package.json asks for: a version, or a tarball (default: this version)')
    .option('--json', 'print the files as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug init my-app\n  glowplug init my-app --yes --model model.onnx\n  cd my-app && npm test && npm start',
    )
    .action(command(init));
}

async function init(folder: string | undefined, options: Options): Promise<void> {
  if (nodeFinding(process.version).status === 'missing') {
    throw new GlowplugError('DEPENDENCY_MISSING', `expected Node 24, as on Lambda, got ${process.version}`, {
      remedy: 'Install Node 24, and run it again.',
    });
  }
  const answers = await ask(folder, options);
  const files = await scaffoldApp({
    ...answers,
    license: options.license,
    ...(options.glowplug === undefined ? {} : { glowplug: specifier(options.glowplug) }),
  });
  if (options.install) {
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], answers.folder);
    await run('npm', ['run', '--silent', 'lock'], answers.folder);
  }
  if (options.json) return printJson({ ...answers, files });
  const next = options.install ? 'npm test && npm start' : 'npm install && npm run lock && npm test';
  printLine(`${pc.green('made')}  ${pc.bold(answers.folder)}  ${files.length} files around ${answers.name}`);
  printLine(`next:  cd ${answers.folder} && ${next}`);
}

async function ask(folder: string | undefined, options: Options): Promise<Answers> {
  const given = {
    folder,
    model: options.model,
    name: options.name ?? (options.model === undefined ? undefined : nameOf(options.model)),
  };
  const iris = fileURLToPath(new URL('../../templates/iris.onnx', import.meta.url));
  const defaults = { folder: 'my-app', model: iris, name: 'iris' };
  if (options.yes || (given.folder !== undefined && given.model !== undefined)) return filled(given, defaults);
  if (!process.stdin.isTTY) {
    throw new GlowplugError('CONFIG_INVALID', 'expected a terminal to ask in, there is none', {
      remedy: 'Add --yes, and --model for a model of your own.',
    });
  }
  const prompts = await import('@clack/prompts');
  const chosen = async (asked: Promise<string | symbol>): Promise<string> => {
    const answer = await asked;
    if (typeof answer === 'string') return answer;
    prompts.cancel('Nothing was made.');
    process.exit(exitCodes.failed);
  };
  const into =
    given.folder ?? (await chosen(prompts.text({ message: 'A folder for the app', initialValue: defaults.folder })));
  const model = given.model ?? (await chosen(askForModel(prompts)));
  return filled({ folder: into, model, name: given.name ?? (model === '' ? undefined : nameOf(model)) }, defaults);
}

/** Empty for the sample. */
async function askForModel({ isCancel, select, text }: typeof import('@clack/prompts')): Promise<string | symbol> {
  const own = await select({
    message: 'Which model?',
    options: [
      { value: false, label: 'a sample', hint: 'names irises by four lengths' },
      { value: true, label: 'my own .onnx file' },
    ],
  });
  if (isCancel(own) || !own) return own || '';
  return await text({
    message: 'Path of the file',
    validate: (path) => (path && existsSync(path) ? undefined : 'There is no such file.'),
  });
}

function filled(
  { folder, model, name }: Partial<Record<keyof Answers, string | undefined>>,
  defaults: Answers,
): Answers {
  return { folder: folder ?? defaults.folder, model: model || defaults.model, name: name ?? defaults.name };
}

/** `models/My Model.onnx` → `my-model`. */
function nameOf(file: string): string {
  return basename(file)
    .replace(/\.onnx$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

/** A tarball is named from where the command was typed; the app lies elsewhere. */
function specifier(what: string): string {
  if (!what.endsWith('.tgz')) return what;
  const path = resolve(what.replace(/^file:/, ''));
  if (existsSync(path)) return `file:${path}`;
  throw new GlowplugError('CONFIG_INVALID', `expected a tarball of glowplug at ${path}, found nothing`, {
    remedy: 'Give --glowplug a version, or the path of what npm pack made.',
  });
}

async function run(program: string, args: readonly string[], folder: string): Promise<void> {
  printProgress(
    `${program} ${args.filter((arg) => !arg.startsWith('--')).join(' ')} in ${relative('', folder) || '.'}`,
  );
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  const code = await new Promise((done) => child.on('error', done).on('exit', done));
  if (code === 0) return;
  throw new GlowplugError('DEPENDENCY_MISSING', `${program} ${args[0]} ended with ${code}`, {
    remedy: `The app is there: cd ${folder}, mend what npm complains of, then npm install && npm run lock.`,
  });
}
