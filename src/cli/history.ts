// glowplug history: who moved which tag, when, where to and why.
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { history } from '../models/history.ts';
import type { RecordedMove } from '../models/moves.ts';
import { chosenStore, type StoreOption, storeOption } from './chosen-store.ts';
import { command, printJson, printLine } from './print.ts';
import { printTable } from './table.ts';

interface Options extends StoreOption {
  readonly limit: number;
  readonly json?: boolean;
}

export function historyCommand(): Command {
  const it = new Command('history')
    .description('Show who moved which tag of a model, when, where to and why; the newest first.')
    .argument('<model>', 'such as ppocr-rec');
  return storeOption(it)
    .option('--limit <moves>', 'at most so many', wholeNumber, 20)
    .option('--json', 'print the moves as JSON')
    .addHelpText('after', '\nExamples:\n  glowplug history ppocr-rec\n  glowplug history ppocr-rec --limit 500 --json')
    .action(command(showHistory));
}

async function showHistory(model: string, options: Options): Promise<void> {
  const moves: RecordedMove[] = [];
  for await (const move of history(await chosenStore(options), model)) {
    if (moves.length === options.limit) break;
    moves.push(move);
  }
  if (options.json) return printJson(moves);
  if (moves.length === 0) return printLine('no tag was moved yet');
  printTable(
    moves.map((move) => [`${move.number}`, minute(move.at), what(move), move.by, move.why]),
    [pc.dim, pc.dim, pc.bold],
  );
}

function what({ kind, tag, from, version, to }: RecordedMove): string {
  const target = version || to.slice(0, 19);
  switch (kind) {
    case 'tag':
      return from ? `${tag} → ${target}` : `${tag} = ${target}`;
    case 'rollback':
      return `${tag} ⟲ ${target}`;
    default:
      return `${target} ${kind}ed`;
  }
}

/** UTC, to the minute. */
function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')}Z`;
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number from 1 on.');
}
