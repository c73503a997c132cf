// Who made a file that another process may find: so that what a killed process left behind can be told from what is in use.
import { randomUUID } from 'node:crypto';
import { promises, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A name in `folder` that nobody else takes, for what will get its real name when it is whole. */
export function temporaryPath(folder: string): string {
  return join(folder, `${prefix}${randomUUID()}.${thisOwner()}`);
}

/** A process that was killed while it wrote leaves its part: on a function's small disk that must not add up. */
export async function sweepTemporary(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    const owner = name.startsWith(prefix) ? name.slice(prefix.length + uuidLength + 1) : '';
    if (owner && ownerIsGone(owner)) await promises.rm(join(folder, name), { recursive: true, force: true });
  }
}

const prefix = '.part-';
const uuidLength = 36;

/** This process, in a form that fits into a file's name. */
export function thisOwner(): string {
  return `${hostname().replaceAll(/[^A-Za-z0-9-]/g, '-')}.${process.pid}`;
}

/** True only where it is certain: the owner was a process of this host, and is no more. */
export function ownerIsGone(owner: string): boolean {
  const [, pid] = /\.(\d+)$/.exec(owner) ?? [];
  if (pid === undefined || owner.slice(0, -pid.length - 1) !== thisOwner().replace(/\.\d+$/, '')) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
