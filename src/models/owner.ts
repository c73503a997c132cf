// Who made a file that another process may find: so that what a killed process left behind can be told from what is in use.
import { hostname } from 'node:os';

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
