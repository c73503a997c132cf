// glowplug rollback: takes a channel back to what it named before.
import { Command } from 'commander';
import pc from 'picocolors';
import { rollback } from '../models/rollback.ts';
import { floorOf } from '../models/trusted-keys.ts';
import { readTrustedKeys } from '../release/read-trusted-keys.ts';
import { type ActorOptions, actor, actorOptions } from './actor.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';

interface Options extends ActorOptions, StoreOption {
  readonly forceBelowFloor?: boolean;
  readonly json?: boolean;
}

export function rollbackCommand(): Command {
  const it = new Command('rollback')
    .description('Take a channel back to the version that it named before. Twice goes one further back.')
    .argument('<model>', 'such as ppocr-rec')
    .argument('<channel>', 'such as prod');
  return storeOption(actorOptions(it))
    .option('--force-below-floor', 'also below the floor of models.keys.json')
    .option('--json', 'print the move as JSON')
    .addHelpText('after', '\nExamples:\n  glowplug rollback ppocr-rec prod --why "misreads invoices"')
    .action(command(takeBack));
}

async function takeBack(model: string, channel: string, options: Options): Promise<void> {
  const trusted = await readTrustedKeys(process.cwd());
  const floor = options.forceBelowFloor ? undefined : floorOf(trusted, model);
  const move = await rollback(await chosenStore(options), model, { channel, floor, ...actor(options) });
  if (options.json) return printJson(move);
  printLine(`${pc.green('rolled back')}  ${pc.bold(`${model}:${channel}`)} → ${move.version}  ${move.to}`);
}
