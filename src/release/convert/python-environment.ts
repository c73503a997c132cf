// An isolated Python environment for one framework: made once, by uv where it is there, by venv and pip else.
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GlowplugError } from '../../core/errors.ts';

/** Runs a program to its end: what it wrote, or an error with what it said. Injected, so that tests need no Python. */
export type Run = (program: string, args: readonly string[]) => Promise<string>;

export interface EnvironmentPlan {
  readonly folder: string;
  readonly packages: readonly string[];
  /** What will be run, as a person would type it; empty when the environment is there already. */
  readonly commands: readonly (readonly string[])[];
}

/** What making the environment takes: nothing is run or written. */
export async function planEnvironment(
  root: string,
  packages: readonly string[],
  { python, hasUv }: { readonly python: string; readonly hasUv: boolean },
): Promise<EnvironmentPlan> {
  const key = createHash('sha256')
    .update([python, ...packages].join('\n'))
    .digest('hex')
    .slice(0, 12);
  // Named for people by its first package: frameworks of the same packages share one.
  const folder = join(root, '.glowplug', 'convert', `${packages[0]?.split('=')[0] ?? 'python'}-${key}`);
  if (await stat(join(folder, 'ready')).catch(() => undefined)) return { folder, packages, commands: [] };
  const inner = pythonOf(folder);
  const commands = hasUv
    ? [
        ['uv', 'venv', '--python', python, folder],
        ['uv', 'pip', 'install', '--python', inner, ...packages],
      ]
    : [
        [python, '-m', 'venv', folder],
        [inner, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages],
      ];
  return { folder, packages, commands };
}

/**
 * The environment's own Python. What was begun is removed when a step fails, or when this process ends meanwhile.
 *
 * @throws GlowplugError DEPENDENCY_MISSING
 */
export async function makeEnvironment({ folder, commands }: EnvironmentPlan, run: Run): Promise<string> {
  if (commands.length === 0) return pythonOf(folder);
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  remove();
  await mkdir(join(folder, '..'), { recursive: true });
  process.once('exit', remove);
  try {
    await install(commands, run);
    await writeFile(join(folder, 'ready'), '');
    return pythonOf(folder);
  } catch (error) {
    remove();
    throw error;
  } finally {
    process.off('exit', remove);
  }
}

async function install(commands: EnvironmentPlan['commands'], run: Run): Promise<void> {
  for (const [program, ...args] of commands) {
    try {
      await run(program!, args);
    } catch (cause) {
      throw new GlowplugError('DEPENDENCY_MISSING', `${[program, ...args].join(' ')}: ${reasonOf(cause)}`, {
        cause,
        remedy:
          'Look whether Python 3.10 to 3.13 is installed and PyPI can be reached; --python names another one, --package another version.',
      });
    }
  }
}

function pythonOf(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

/** Why a program failed, by what it said: a traceback ends with its exception, of one line or of several; others with a line. */
export function reasonOf(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  const message = error instanceof Error ? error.message : String(error);
  const lines = said.trimEnd().split('\n');
  const traceback = lines.findLastIndex((line) => line.startsWith('Traceback (most recent call last)'));
  // Its frames are indented; the exception is not.
  const from = lines.findIndex((line, at) => at > traceback && /^\S/.test(line));
  const reason = traceback < 0 || from < 0 ? lines.at(-1) : lines.slice(from).join(' ');
  return cut(reason?.trim() || message.split('\n')[0] || 'no reason given');
}

/** For a message: 300 characters at most, and whole words. */
export function cut(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300).replace(/\s+\S*$/, '')} …`;
}
