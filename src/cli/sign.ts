// glowplug sign: signs a version that is published already.
import { Command } from 'commander';
import pc from 'picocolors';
import { sign } from '../models/sign.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { readSigner } from './read-signer.ts';

interface Options extends StoreOption {
  readonly key: string;
  readonly json?: boolean;
}

export function signCommand(): Command {
  const it = new Command('sign')
    .description('Sign a version that is published already: what is in use, when keys change.')
    .argument('<reference>', 'such as ppocr-rec:1.4.0')
    .requiredOption('--key <file>', 'a key file of glowplug keygen');
  return storeOption(it)
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  glowplug sign ppocr-rec:1.4.0 --key ci-2026.key.json')
    .action(command(signVersion));
}

async function signVersion(reference: string, options: Options): Promise<void> {
  const signer = await readSigner(options.key);
  const { locked, keyId, created } = await sign(await chosenStore(options), reference, signer);
  if (options.json) return printJson({ digest: locked.digest, keyId, created });
  const what = created ? pc.green('signed') : pc.dim('was signed');
  printLine(`${what}  ${pc.bold(`${locked.model}:${locked.version}`)}  by ${keyId}  ${locked.digest}`);
}
