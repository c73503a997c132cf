// The CDK's own command line, as the app has it installed. What it prints goes to standard error.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GlowplugError } from '../core/errors.ts';

/** Runs `cdk <args>` in the app's folder. @throws GlowplugError */
export type RunCdk = (root: string, args: readonly string[]) => Promise<void>;

/** A signal for us is one for it, too: the terminal sends it to both, and its exit code says so. */
export async function runCdk(root: string, args: readonly string[]): Promise<void> {
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  if (!existsSync(cdk)) {
    throw new GlowplugError(
      'DEPENDENCY_MISSING',
      `expected aws-cdk in ${join(root, 'node_modules')}, it is not installed`,
      {
        remedy: 'npm install --save-dev aws-cdk',
      },
    );
  }
  const child = spawn(process.execPath, [cdk, ...args], { cwd: root, stdio: ['inherit', 2, 2] });
  const ended = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, by) => resolve(code === 0 ? undefined : `ended with ${by ?? `exit code ${code}`}`));
  });
  if (ended === undefined) return;
  throw new GlowplugError('CONFIG_INVALID', `cdk ${args[0]} ${ended}`, {
    remedy: 'What it printed above says why. Mend that and deploy again: what was done is not done twice.',
  });
}
