// Other people's tools, installed once under .glowplug/peers, or the reason why there is none.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../root.ts';

const run = promisify(execFile);
const folder = join(root, '.glowplug', 'peers');

export type Peer = { readonly path: string } | { readonly missing: string };

/** `go install`, at a version, so that every run is against the same one. */
export async function goPeer(module: string, version: string): Promise<Peer> {
  const path = join(folder, 'bin', `${module.split('/').at(-1)}`);
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true });
  try {
    const env = { ...process.env, GOBIN: join(folder, 'bin') };
    await run('go', ['install', `${module}@${version}`], { env, timeout: 600_000 });
    return { path };
  } catch (error) {
    return { missing: `go install ${module}@${version}: ${reason(error)}` };
  }
}

/** Packages of npm, at their versions, in a folder of their own: what lies in `path` finds them, and the repository's beside them. */
export async function npmPeer(name: string, ...packages: readonly string[]): Promise<Peer> {
  const path = join(folder, `npm-${name}`);
  const installed = packages.every((each) => existsSync(join(path, 'node_modules', each.replace(/@[^@]*$/, ''))));
  if (installed) return { path };
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), '{"private":true}\n');
  try {
    await run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: path, timeout: 300_000 });
    return { path };
  } catch (error) {
    return { missing: `npm install ${packages.join(' ')}: ${reason(error)}` };
  }
}

/** A virtual environment with one package, one of its extras, and others `alone`, without what they ask for; `path` is its Python. */
export async function pythonPeer(
  name: string,
  version: string,
  { extra = '', alone = [] }: { extra?: string; alone?: readonly string[] } = {},
): Promise<Peer> {
  const home = join(folder, `python-${name}${extra && `-${extra}`}`);
  const wanted = `${name}${extra && `[${extra}]`}==${version}`;
  const path = join(home, 'bin', 'python');
  try {
    if (!existsSync(path)) {
      await run('python3', ['-m', 'venv', home], { timeout: 120_000 });
    }
    await run(path, ['-m', 'pip', 'install', '--quiet', wanted], { timeout: 600_000 });
    if (alone.length > 0)
      await run(path, ['-m', 'pip', 'install', '--quiet', '--no-deps', ...alone], { timeout: 600_000 });
    return { path };
  } catch (error) {
    return { missing: `pip install ${wanted}: ${reason(error)}` };
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim().split('\n').at(-1) : '';
  return said || error.message.split('\n')[0] || 'no reason given';
}
