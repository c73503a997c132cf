// glowplug ls: the models of a store, or the versions of one.
import { Command } from 'commander';
import pc from 'picocolors';
import { listModels, listVersions } from '../models/list-models.ts';
import { byteSize } from './byte-size.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { printTable } from './table.ts';

interface Options extends StoreOption {
  readonly json?: boolean;
}

export function lsCommand(): Command {
  const it = new Command('ls')
    .description('List the models of a store with their channels, or the versions of one model.')
    .argument('[model]', 'such as ppocr-rec');
  return storeOption(it)
    .option('--json', 'print the list as JSON')
    .addHelpText('after', '\nExamples:\n  glowplug ls\n  glowplug ls ppocr-rec --store s3://my-models')
    .action(command(list));
}

async function list(model: string | undefined, options: Options): Promise<void> {
  const store = await chosenStore(options);
  if (model === undefined) {
    const models = await listModels(store);
    if (options.json) return printJson(models);
    if (models.length === 0) return printLine(`no model in ${store.name}`);
    const rows = models.map(({ model: name, versions, channels }) => [
      name,
      versions.length === 1 ? '1 version' : `${versions.length} versions`,
      Object.entries(channels)
        .map(([channel, version]) => `${channel} → ${version}`)
        .join(', '),
    ]);
    return printTable(rows, [pc.bold, pc.dim]);
  }
  const versions = await listVersions(store, model);
  if (options.json) return printJson(versions);
  const rows = versions.map(({ version, digest, size, channels, signedBy, yanked }) => [
    version,
    channels.join(', '),
    byteSize(size),
    digest.slice(0, 19),
    signedBy.length > 0 ? `signed by ${signedBy.join(', ')}` : '',
    yanked ? `yanked by ${yanked.by}${yanked.why ? `: ${yanked.why}` : ''}` : '',
  ]);
  printTable(rows, [pc.bold, pc.green, undefined, pc.dim, undefined, pc.red]);
}
