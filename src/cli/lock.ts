// glowplug lock: which digest each reference of the functions means, written down.
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { readTrustedKeys } from '../release/read-trusted-keys.ts';
import { checkLock, writeLock } from '../release/write-lock.ts';
import { chosenStore } from './chosen-store.ts';
import { foldersWithoutFunction } from './function-names.ts';
import { command, printJson, printLine, printProgress } from './print.ts';

interface Options {
  readonly check?: boolean;
  readonly store?: string;
  readonly json?: boolean;
}

export function lockCommand(): Command {
  return new Command('lock')
    .description(
      'Write models.lock.json and models.d.ts: the digest and the signature behind every reference that functions/ use.',
    )
    .option('--check', 'write nothing; fail when the files are not what they should be')
    .option(
      '--store <store>',
      'resolve tags in this store; without it, offline, a tag means what models/*.ts would publish',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug lock\n  glowplug lock --check\n  glowplug lock --store s3://my-models',
    )
    .action(command(lock));
}

async function lock(options: Options): Promise<void> {
  if (!existsSync('functions') && !existsSync('models.lock.json')) {
    throw new GlowplugError('CONFIG_INVALID', `expected functions/ in ${process.cwd()}, found none`, {
      remedy: 'Run it in the folder of an app; glowplug init makes one.',
    });
  }
  for (const name of await foldersWithoutFunction(process.cwd())) {
    printProgress(`functions/${name}: no function, it holds no function.ts`);
  }
  const store = options.store ? await chosenStore(options) : undefined;
  // On purpose: what is committed must come out the same on every machine, offline.
  if (!store && process.env['GLOWPLUG_STORE']) {
    printProgress('GLOWPLUG_STORE was not looked at: lock reads a store only when --store names it');
  }
  const where = { root: process.cwd(), ...(store ? { store } : {}) };
  if (!store && Object.keys((await readTrustedKeys(where.root)).keys).length > 0) {
    printProgress('no store was named: no signature was looked at; glowplug lock --check --store … looks');
  }
  if (options.check) {
    const stale = await checkLock(where);
    if (options.json) printJson({ stale });
    if (stale.length === 0) return options.json ? undefined : printLine(pc.green('models.lock.json is fresh'));
    throw new GlowplugError('LOCK_STALE', `models.lock.json is stale: ${stale.join(', ')}`);
  }
  const { lock: written, changed } = await writeLock(where);
  if (options.json) return printJson({ changed, models: written.models });
  for (const [reference, version] of Object.entries(written.models)) {
    printLine(
      `${changed.includes(reference) ? pc.green('locked  ') : pc.dim('as it was')}  ${pc.bold(reference)}  ${version.version}  ${version.digest}`,
    );
  }
}
