// glowplug prune: deletes what no tag, no history, no pin and no publish of the last days needs.
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { GlowplugError } from '../core/errors.ts';
import { parseLock } from '../models/lock.ts';
import { prune as pruneModel } from '../models/prune.ts';
import type { Store } from '../models/stores/store.ts';
import type { Digest } from '../models/version.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine, printProgress } from './print.ts';

interface Options extends StoreOption {
  readonly days: number;
  readonly lock: readonly string[];
  readonly delete?: boolean;
  readonly json?: boolean;
}

export function pruneCommand(): Command {
  const it = new Command('prune')
    .description(
      'Show what nothing in a store names any more, and delete it when told to. What a tag, a move in the history, a pin or a lock file names stays.',
    )
    .argument('[models...]', 'all models of the store when none is named');
  return storeOption(it)
    .option('--days <number>', 'what is younger stays: a publish may be under way', days, 14)
    .option('--lock <file...>', 'what these lock files pin stays', ['models.lock.json'])
    .option('--delete', 'delete; without it nothing is')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  glowplug prune\n  glowplug prune iris --store s3://my-models --days 30 --delete',
    )
    .action(command(prune));
}

async function prune(models: readonly string[], options: Options): Promise<void> {
  const store = await chosenStore(options);
  const pinned = await pins(options.lock);
  const before = Date.now() - options.days * 86_400_000;
  const pruned = [];
  const there = await modelsOf(store);
  for (const model of models) mustBeOne(model, there, store);
  for (const model of models.length > 0 ? models : there) {
    printProgress(`${model} in ${store.name}`);
    pruned.push(await pruneModel(store, model, { before, pinned, remove: options.delete === true }));
  }
  if (options.json) return printJson(pruned);
  for (const { model, blobs, uploads, complete } of pruned) {
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
    const what = options.delete ? 'deleted' : 'would delete';
    const also = uploads > 0 ? ` and ${uploads} uploads that were cut off` : '';
    printLine(`${pc.bold(model)}  ${what} ${blobs.length} blobs, ${(bytes / 1e6).toFixed(1)} MB${also}`);
    if (!complete) printLine(pc.yellow('  the rest stays: it was published again meanwhile. Run prune again.'));
    for (const { digest, size } of blobs) printLine(pc.dim(`  ${digest}  ${size}`));
  }
  if (!options.delete && pruned.some(({ blobs, uploads }) => blobs.length + uploads > 0)) {
    printLine('Nothing was deleted. Run again with --delete.');
  }
}

function mustBeOne(model: string, there: readonly string[], store: Store): void {
  if (there.includes(model)) return;
  throw new GlowplugError(
    'MODEL_NOT_FOUND',
    `expected ${model} in ${store.name}, whose models are ${there.join(', ') || 'none'}`,
    {
      remedy: 'Name a model that is there, or none for all of them.',
    },
  );
}

/** A lock file that is not there pins nothing; one that cannot be read ends the command, for it may pin anything. */
async function pins(paths: readonly string[]): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) continue;
    for (const { digest } of Object.values(parseLock(text).models)) digests.add(digest);
  }
  return digests;
}

async function modelsOf(store: Store): Promise<string[]> {
  const models: string[] = [];
  for await (const key of store.list(''))
    if (key.endsWith('/oci-layout')) models.push(key.slice(0, -'/oci-layout'.length));
  return models;
}

function days(text: string): number {
  const value = Number(text);
  if (text !== '' && value >= 0) return value;
  throw new InvalidArgumentError('expected a number of days, such as 14');
}
