// glowplug yank: marks a version as not to be used.
import { Command } from 'commander';
import pc from 'picocolors';
import { yank } from '../models/yank.ts';
import { type ActorOptions, actor, actorOptions } from './actor.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';

interface Options extends ActorOptions, StoreOption {
  readonly undo?: boolean;
  readonly json?: boolean;
}

export function yankCommand(): Command {
  const it = new Command('yank')
    .description('Mark a version as not to be used: no channel moves to it, no lock takes it. What pins it goes on.')
    .argument('<model>', 'such as ppocr-rec')
    .argument('<version>', 'such as 1.3.0');
  return storeOption(actorOptions(it))
    .option('--undo', 'take the mark away')
    .option('--json', 'print the record as JSON')
    .addHelpText('after', '\nExamples:\n  glowplug yank ppocr-rec 1.3.0 --why "trained on leaked labels"')
    .action(command(mark));
}

async function mark(model: string, version: string, options: Options): Promise<void> {
  const undo = options.undo ?? false;
  const move = await yank(await chosenStore(options), model, { version, undo, ...actor(options) });
  if (options.json) return printJson(move ?? null);
  const done = undo ? 'may be used again' : 'yanked';
  printLine(`${move ? pc.green(done) : pc.dim('as it was')}  ${pc.bold(`${model}:${version}`)}`);
}
