// What an environment's process holds in memory. An approximation of Lambda's own count: the resident set of the one
// process, pages it shares with other processes included, and nothing of what it started itself.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const mb = 1024 * 1024;
// /proc counts pages; Node does not tell their size. 4 KB but on some arm64 kernels, and VmRSS is in kB on all.
const field = { now: /^VmRSS:\s+(\d+) kB/m, peak: /^VmHWM:\s+(\d+) kB/m };

/** MB now, or at most since it started where the system counts that; undefined when the process has ended. */
export function residentMb(pid: number, when: keyof typeof field): number | undefined {
  try {
    if (process.platform === 'linux') {
      const kb = field[when].exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
      return kb === undefined ? undefined : (Number(kb) * 1024) / mb;
    }
    if (process.platform === 'win32') return undefined;
    const kb = Number(execFileSync('/bin/ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' }).trim());
    return Number.isFinite(kb) && kb > 0 ? (kb * 1024) / mb : undefined;
  } catch {
    return undefined;
  }
}
