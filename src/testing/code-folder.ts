// Where the app is synthesised to: not under the project, or a bundle would find in the project's node_modules what on
// Lambda only a layer can give it.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The cloud's own folder where no node_modules lies above it, else one in the system's temporary folder that stays. */
export function codeFolder(cloudFolder: string, temporary: boolean): string {
  if (temporary || !hasModulesAbove(cloudFolder)) return join(cloudFolder, 'cdk.out');
  const user = process.getuid?.();
  const key = createHash('sha256')
    .update(`${user} ${resolve(cloudFolder)}`)
    .digest('hex')
    .slice(0, 16);
  const folder = join(tmpdir(), `glowplug-${key}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const made = lstatSync(folder);
  // Somebody else's folder of that name: nothing from it is run.
  const ours = made.isDirectory() && (user === undefined || made.uid === user);
  return join(ours ? folder : mkdtempSync(join(tmpdir(), 'glowplug-')), 'cdk.out');
}

/** Staged assets of earlier starts, which nothing names any more. */
export function removeStaleAssets(folder: string, used: ReadonlySet<string>): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith('asset.') && !used.has(path)) rmSync(path, { recursive: true, force: true });
  }
}

function hasModulesAbove(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules'))) return true;
    if (at === dirname(at)) return false;
  }
}
