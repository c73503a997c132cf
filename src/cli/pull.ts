// glowplug pull: a version's files into a folder.
import { Command } from 'commander';
import pc from 'picocolors';
import { pull as pullVersion } from '../models/pull.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { transferProgress } from './progress.ts';

interface Options extends StoreOption {
  readonly json?: boolean;
}

export function pullCommand(): Command {
  const it = new Command('pull')
    .description('Bring the files of a version into a folder. What is there with the right bytes is not fetched again.')
    .argument('<reference>', 'such as iris:prod, iris@sha256:…, or ppocr-rec:prod#int8 for a variant')
    .argument('<folder>', 'made where there is none');
  return storeOption(it)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug pull iris:prod ./iris\n  glowplug pull ppocr-rec:4.2.0#int8 ./rec --store s3://my-models',
    )
    .action(command(pull));
}

async function pull(reference: string, folder: string, options: Options): Promise<void> {
  const store = await chosenStore(options);
  const progress = transferProgress();
  const locked = await pullVersion(store, reference, folder, {
    onProgress: (transfer) => progress.tell(`${reference} → ${folder}`, transfer),
  });
  progress.end();
  if (options.json) return printJson(locked);
  printLine(`${pc.green('pulled')}  ${pc.bold(`${locked.model}:${locked.version}`)}  ${locked.digest}`);
}
