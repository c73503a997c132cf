// glowplug publish: the versions that models/*.ts define, into the store.
import { Command } from 'commander';
import pc from 'picocolors';
import { readContract } from '../core/contract.ts';
import { openStore } from '../models/stores/open-store.ts';
import { publishAll } from '../release/publish-all.ts';
import { command, printJson, printLine } from './print.ts';
import { transferProgress } from './progress.ts';

interface Options {
  readonly store?: string;
  readonly as?: string;
  readonly json?: boolean;
}

export function publishCommand(): Command {
  return new Command('publish')
    .description('Publish the model versions that models/*.ts define. What is there already is not sent again.')
    .option('--store <store>', 's3://bucket[/prefix] or a folder (default: GLOWPLUG_STORE, else .glowplug/store)')
    .option('--as <channel>', 'also move this channel, such as candidate or prod, to each published version')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExamples:\n  glowplug publish\n  glowplug publish --store s3://my-models --as candidate')
    .action(command(publish));
}

async function publish(options: Options): Promise<void> {
  const contract = readContract({ ...process.env, ...(options.store ? { GLOWPLUG_STORE: options.store } : {}) });
  const store = await openStore(contract);
  const progress = transferProgress();
  const published = await publishAll({
    root: process.cwd(),
    store,
    ...(options.as ? { as: options.as } : {}),
    onProgress: (version, transfer) => progress.tell(`${version} → ${store.name}`, transfer),
  });
  progress.end();
  if (options.json) return printJson(published);
  for (const { locked, created } of published) {
    const what = created ? pc.green('published') : pc.dim('was there');
    printLine(`${what}  ${pc.bold(`${locked.model}:${locked.version}`)}  ${locked.digest}`);
  }
}
