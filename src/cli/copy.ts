// glowplug copy: a version from one store into another.
import { Command } from 'commander';
import pc from 'picocolors';
import { readContract } from '../core/contract.ts';
import { copySignatures } from '../models/copy-signatures.ts';
import { publish } from '../models/publish.ts';
import { readVersion } from '../models/read-version.ts';
import { chosenStore } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { transferProgress } from './progress.ts';

interface Options {
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
}

export function copyCommand(): Command {
  return new Command('copy')
    .description(
      'Copy a version, all of its variants and signatures, from one store into another, under its version tag. Channels stay where they are.',
    )
    .argument('<reference>', 'such as iris:prod or iris@sha256:…')
    .requiredOption('--from <store>', 's3://bucket[/prefix] or a folder')
    .requiredOption('--to <store>', 's3://bucket[/prefix] or a folder')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug copy iris:prod --from s3://team-models --to s3://prod-models\n  glowplug copy iris:1.0.0 --from .glowplug/store --to s3://my-models',
    )
    .action(command(copy));
}

async function copy(reference: string, options: Options): Promise<void> {
  const [from, to] = [
    await chosenStore({ store: options.from }, '--from'),
    await chosenStore({ store: options.to }, '--to'),
  ];
  const version = await readVersion(from, reference, readContract().cacheDir);
  const progress = transferProgress();
  const { locked, created } = await publish(to, version, {
    onProgress: (transfer) => progress.tell(`${reference} → ${to.name}`, transfer),
  });
  progress.end();
  const signedBy = await copySignatures(from, to, locked);
  if (options.json) return printJson({ locked, created, signedBy });
  const what = created ? pc.green('copied') : pc.dim('was there');
  const keys = signedBy.length > 0 ? `  signed by ${signedBy.join(', ')}` : '';
  printLine(`${what}  ${pc.bold(`${locked.model}:${locked.version}`)}  ${locked.digest}${keys}`);
}
