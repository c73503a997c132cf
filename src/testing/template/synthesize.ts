// Runs the CDK app of a project as the CLI would, without the CLI: a process of its own, told where to write.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError, shorten } from '../../core/errors.ts';
import { isObject, type JsonObject, objectAt, parseJson, stringAt } from './json.ts';

/** Synthesising bundles every function and builds the layers; what takes longer than this hangs. */
const limitMs = 10 * 60_000;
/** Of what a failing app prints: enough for an error and where it came from. */
const shownCharacters = 2_000;

/** Before what glowplug refused, as JSON: Node's own print of an error that nobody caught is for who wrote the error. */
const refusal = 'glowplug refused: ';

const teller = `
  import { writeSync } from 'node:fs';
  process.on('uncaughtExceptionMonitor', (error) => {
    if (!error?.[Symbol.for('glowplug.error')]) return;
    const { message, remedy } = error;
    writeSync(2, ${JSON.stringify(`\n${refusal}`)} + JSON.stringify({ message, remedy }) + '\\n');
  });`;

/** Each module that is loaded and no package's goes into a file, a line each. */
const recorder = (file: string) => `
  import * as module from 'node:module';
  import { appendFileSync } from 'node:fs';
  const told = (line) => appendFileSync(${JSON.stringify(file)}, line + '\\n');
  if (!module.registerHooks) told('unknown');
  module.registerHooks?.({
    load(url, context, next) {
      if (url.startsWith('file:') && !url.includes('/node_modules/')) told(url);
      return next(url, context);
    },
  });`;

/**
 * Writes the app's templates and assets into `output`, whole or with CONFIG_INVALID.
 *
 * @param modules a file that is told which modules the app was made of: file URLs, a line each, and `unknown` where Node cannot tell
 */
export async function synthesize(root: string, output: string, modules?: string): Promise<void> {
  const settings = await readSettings(join(root, 'cdk.json'));
  const app = stringAt(settings, 'app');
  if (!app) {
    throw new GlowplugError('CONFIG_INVALID', `expected "app" in ${join(root, 'cdk.json')} to be a command`, {
      remedy: 'Write the command that runs the CDK app, as npx cdk needs it, too.',
    });
  }
  const looked = await readSettings(join(root, 'cdk.context.json'), true);
  const context = {
    ...looked,
    ...objectAt(settings, 'context'),
    'glowplug:architecture': process.arch === 'arm64' ? 'arm64' : 'x86_64',
  };
  const preloads = modules === undefined ? [teller] : [teller, recorder(modules)];
  const child = spawn(app, {
    cwd: root,
    shell: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      // A third of a synth is compiling aws-cdk-lib.
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'),
      // Half of the rest is CDK's check of the templates, which `cdk synth` and deploying make.
      CDK_VALIDATION: 'false',
      ...process.env,
      NODE_OPTIONS: [process.env['NODE_OPTIONS'] ?? '', ...preloads.map(preloading)].join(' '),
      CDK_OUTDIR: output,
      CDK_CONTEXT_JSON: JSON.stringify(context),
    },
    signal: AbortSignal.timeout(limitMs),
  });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed = `${printed}${text}`.slice(-10 * shownCharacters);
  });
  const ended = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, by) => resolve(code === 0 ? undefined : `it ended with ${by ?? `exit code ${code}`}`));
  });
  if (ended === undefined) return;
  const refused = refusedIn(printed);
  if (refused) throw refused;
  throw new GlowplugError(
    'CONFIG_INVALID',
    `the app could not be synthesised: ${ended}\n${essence(printed)}`.trimEnd(),
    {
      remedy: `Mend what it names; ${app} in ${root} shows all of it.`,
    },
  );
}

const preloading = (source: string) => `--import data:text/javascript,${encodeURIComponent(source)}`;

/** As it would be said where no process lies between. */
function refusedIn(printed: string): GlowplugError | undefined {
  const line = printed.split('\n').find((each) => each.startsWith(refusal));
  if (line === undefined) return undefined;
  const { message, remedy } = Object(parseJson(line.slice(refusal.length)));
  return new GlowplugError('CONFIG_INVALID', `the app could not be synthesised: ${message}`, { remedy });
}

async function readSettings(path: string, optional = false): Promise<JsonObject> {
  try {
    const settings = parseJson(await readFile(path, 'utf8'));
    if (isObject(settings)) return settings;
    throw new TypeError(`it holds ${shorten(settings)}`);
  } catch (cause) {
    if (optional && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {};
    throw new GlowplugError('CONFIG_INVALID', `expected ${path} to be readable JSON with the CDK app's settings`, {
      cause,
      remedy: 'Run it in a folder with a CDK app, and mend its file.',
    });
  }
}

/** Without stack frames, and of that the beginning, where the error stands. */
function essence(printed: string): string {
  const lines = printed.split('\n').filter((line) => !/^\s+at |^Node\.js v|^\s*$/.test(line));
  const text = lines.join('\n');
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)} …`;
}
