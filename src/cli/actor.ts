// Who moves a tag, and why: what the history tells to colleagues.
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Actor } from '../models/record-move.ts';

export interface ActorOptions {
  readonly by?: string;
  readonly why?: string;
}

export function actorOptions(command: Command): Command {
  return command
    .option('--why <reason>', 'what the history will say (at most 500 characters)')
    .option('--by <who>', 'who does it (default: git’s user.name, else the user of this machine)');
}

export function actor({ by, why }: ActorOptions): Actor {
  return { by: by ?? gitUser() ?? userInfo().username, ...(why ? { why } : {}) };
}

function gitUser(): string | undefined {
  const { status, stdout } = spawnSync('git', ['config', 'user.name'], { encoding: 'utf8', timeout: 2_000 });
  return status === 0 ? stdout.trim() || undefined : undefined;
}
