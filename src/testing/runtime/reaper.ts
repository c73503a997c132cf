// Nothing may be left running or stopped when the local cloud dies, by whatever signal: a shell of a few hundred KB
// outlives it just to end its environments, and a folder of pid files tells the next start what even that one missed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GlowplugError } from '../../core/errors.ts';

const windows = process.platform === 'win32';

/** Reads `+ pid` and `- pid`; at the end of its input, which is our end, kills the groups that are left. */
const watchdogScript = `
pids=' '
while read -r verb pid; do
  case $verb in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -s KILL -- "-$pid"; done
[ -n "$1" ] && rm -rf -- "$1"
`;

export class Reaper implements Disposable {
  readonly #folder: string;
  readonly #watchdog: ChildProcess | undefined;

  /**
   * Takes the folder for this cloud, ends what an earlier one left behind there, then watches over this one.
   * @param options.folder the cloud's own · `remove`: the watchdog removes it when we die
   */
  static start(options: { folder: string; remove: boolean }): Reaper {
    const pids = join(options.folder, 'pids');
    mkdirSync(pids, { recursive: true });
    const owner = livingOwner(pids);
    if (owner !== undefined) {
      throw new GlowplugError('CONFIG_INVALID', `another local cloud, process ${owner}, runs in ${options.folder}`, {
        remedy: 'Stop that one first; in a test, give this one another folder.',
      });
    }
    sweep(pids);
    writeFileSync(join(pids, 'owner'), `${process.pid} ${startTime(process.pid)}`);
    return new Reaper(pids, options.remove ? options.folder : '');
  }

  private constructor(pids: string, remove: string) {
    this.#folder = pids;
    if (windows) return; // Nothing is ever stopped there, and an environment whose Runtime API is gone ends by itself.
    this.#watchdog = spawn('/bin/sh', ['-c', watchdogScript, 'glowplug-watchdog', remove], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: '/usr/bin:/bin' },
      detached: true, // Ctrl-C in the terminal is not for it.
      cwd: '/',
    });
    this.#watchdog.on('error', () => {}); // No shell: the pid files remain.
    this.#watchdog.stdin?.on('error', () => {});
    this.#watchdog.unref();
  }

  watch(pid: number): void {
    this.#watchdog?.stdin?.write(`+ ${pid}\n`);
    writeFileSync(join(this.#folder, `${pid}`), startTime(pid) ?? '');
  }

  release(pid: number): void {
    this.#watchdog?.stdin?.write(`- ${pid}\n`);
    rmSync(join(this.#folder, `${pid}`), { force: true });
  }

  [Symbol.dispose](): void {
    this.#watchdog?.kill('SIGKILL'); // At the end of its input it would do as if we had died.
    rmSync(join(this.#folder, 'owner'), { force: true });
  }
}

/** The process of the cloud that uses the folder, if it is alive. */
function livingOwner(pids: string): number | undefined {
  const path = join(pids, 'owner');
  if (!existsSync(path)) return undefined;
  const [, pid, started] = /^(\d+) (.*)$/.exec(readFileSync(path, 'utf8')) ?? [];
  return pid !== undefined && startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** Ends the processes that an earlier cloud's pid files name, unless the pid has been given to another one since. */
export function sweep(pids: string): number[] {
  const ended: number[] = [];
  for (const name of readdirSync(pids)) {
    const pid = Number(name);
    const path = join(pids, name);
    const started = readFileSync(path, 'utf8');
    if (Number.isInteger(pid) && pid > 1 && started !== '' && startTime(pid) === started) {
      try {
        process.kill(windows ? pid : -pid, 'SIGKILL');
        ended.push(pid);
      } catch {
        // It has ended meanwhile.
      }
    }
    rmSync(path, { force: true });
  }
  return ended;
}

/**
 * When a process started, in whatever unit the system counts: with the pid it names one process and no later one.
 * undefined for one that has ended, even where nobody has collected it.
 */
export function startTime(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      // The name, in parentheses, may hold blanks. After it come the state and, 19 further on, starttime.
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`;
    }
    if (windows) return undefined;
    const listed = execFileSync('/bin/ps', ['-o', 'stat=,lstart=', '-p', `${pid}`], { encoding: 'utf8' });
    const [, state = 'Z', started] = /^\s*(\S+)\s+(.+?)\s*$/.exec(listed) ?? [];
    return state.startsWith('Z') ? undefined : started;
  } catch {
    return undefined;
  }
}
