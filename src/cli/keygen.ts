// glowplug keygen: a key that signs versions, and the app's trust in it.
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { generateKey } from '../models/signer.ts';
import { keysFile, parseTrustedKeys, serializeTrustedKeys } from '../models/trusted-keys.ts';
import { readTrustedKeys } from '../release/read-trusted-keys.ts';
import { command, printJson, printLine } from './print.ts';

interface Options {
  readonly models: readonly string[];
  readonly json?: boolean;
}

export function keygenCommand(): Command {
  return new Command('keygen')
    .description(
      'Make a key that signs versions: <id>.key.json, which is secret, and its public half in models.keys.json.',
    )
    .argument('<id>', 'names the key: who signs with it and since when')
    .option('--models <models...>', 'models that it may sign', ['*'])
    .option('--json', 'print the names of the files as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug keygen ci-2026\n  glowplug keygen ocr-team-2026 --models ppocr-det ppocr-rec',
    )
    .action(command(keygen));
}

async function keygen(id: string, options: Options): Promise<void> {
  const key = generateKey(id);
  const { keys, floors } = await readTrustedKeys(process.cwd());
  if (Object.hasOwn(keys, id)) throw taken(id, keysFile);
  const trusted = serializeTrustedKeys({
    keys: { ...keys, [id]: { publicKey: key.x, models: options.models } },
    floors,
  });
  // Told before a secret is written.
  parseTrustedKeys(trusted);
  const secret = `${id}.key.json`;
  await writeFile(secret, `${JSON.stringify(key, undefined, 2)}\n`, { flag: 'wx', mode: 0o600 }).catch(
    (error: unknown) => {
      throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? taken(id, secret) : error;
    },
  );
  await writeFile(keysFile, trusted);
  if (options.json) return printJson({ keyId: id, secret, trusted: keysFile });
  printLine(`${pc.green('made')}  ${pc.bold(secret)}  secret: keep it in CI’s secrets, never in the repository`);
  printLine(
    `${pc.green('trusted')}  ${pc.bold(keysFile)}  commit it: glowplug lock --store now refuses what is not signed`,
  );
}

function taken(id: string, file: string): GlowplugError {
  return new GlowplugError('CONFIG_INVALID', `expected ${id} to be a new key, it is in ${file}`, {
    remedy: 'Give the new key another id, such as the next year; the old one is trusted until it is removed.',
  });
}
