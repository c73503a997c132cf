// glowplug tag: moves a channel to a version.
import { Command } from 'commander';
import pc from 'picocolors';
import { tag } from '../models/tag.ts';
import { floorOf } from '../models/trusted-keys.ts';
import { readTrustedKeys } from '../release/read-trusted-keys.ts';
import { type ActorOptions, actor, actorOptions } from './actor.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';

interface Options extends ActorOptions, StoreOption {
  readonly as: string;
  readonly forceBelowFloor?: boolean;
  readonly json?: boolean;
}

export function tagCommand(): Command {
  const it = new Command('tag')
    .description(
      'Move a channel to a version. Functions that follow the channel load it; pinned ones when they are locked.',
    )
    .argument('<model>', 'such as ppocr-rec')
    .argument('<version>', 'a version (1.4.0), a channel (candidate) or a digest')
    .requiredOption('--as <channel>', 'the channel that moves, such as candidate or prod');
  return storeOption(actorOptions(it))
    .option('--force-below-floor', 'also below the floor of models.keys.json')
    .option('--json', 'print the move as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug tag ppocr-rec 1.4.0 --as candidate\n  glowplug tag ppocr-rec candidate --as prod --why "2 % fewer misses"',
    )
    .action(command(moveTag));
}

async function moveTag(model: string, version: string, options: Options): Promise<void> {
  const trusted = await readTrustedKeys(process.cwd());
  const moved = await tag(await chosenStore(options), model, {
    from: version,
    to: options.as,
    floor: options.forceBelowFloor ? undefined : floorOf(trusted, model),
    ...actor(options),
  });
  if (options.json) return printJson(moved);
  const { move, digest } = moved;
  if (!move) return printLine(`${pc.dim('as it was')}  ${pc.bold(`${model}:${options.as}`)}  ${digest}`);
  printLine(`${pc.green('moved')}  ${pc.bold(`${model}:${options.as}`)} → ${move.version}  ${digest}`);
}
