// glowplug publish: the versions that models/*.ts define, into the store.
import { Command } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { publishAll } from '../release/publish-all.ts';
import { type ActorOptions, actor, actorOptions } from './actor.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { transferProgress } from './progress.ts';
import { readSigner } from './read-signer.ts';

interface Options extends ActorOptions, StoreOption {
  readonly as?: string;
  readonly sign?: string;
  readonly json?: boolean;
}

export function publishCommand(): Command {
  const it = new Command('publish')
    .description('Publish the model versions that models/*.ts define. What is there already is not sent again.')
    .option('--as <channel>', 'also move this channel, such as candidate or prod, to each published version')
    .option('--sign <keyfile>', 'sign each version with a key of glowplug keygen');
  return storeOption(actorOptions(it))
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug publish\n  glowplug publish --store s3://my-models --as candidate --sign ci-2026.key.json',
    )
    .action(command(publish));
}

async function publish(options: Options): Promise<void> {
  const signer = options.sign ? await readSigner(options.sign) : undefined;
  const store = await chosenStore(options);
  const progress = transferProgress();
  const published = await publishAll({
    root: process.cwd(),
    store,
    ...(options.as ? { as: options.as, ...actor(options) } : {}),
    ...(signer ? { signer } : {}),
    onProgress: (version, transfer) => progress.tell(`${version} → ${store.name}`, transfer),
  });
  progress.end();
  // Deploying goes on without any; whoever asks for this alone stands in the wrong folder.
  if (published.length === 0) {
    throw new GlowplugError('CONFIG_INVALID', `expected models/*.ts in ${process.cwd()}, found none`, {
      remedy:
        'Run it in the folder of an app that defines models; one whose models come from a store has nothing to publish.',
    });
  }
  if (options.json) return printJson(published);
  for (const { locked, created } of published) {
    const what = created ? pc.green('published') : pc.dim('was there');
    printLine(`${what}  ${pc.bold(`${locked.model}:${locked.version}`)}  ${locked.digest}`);
  }
}
