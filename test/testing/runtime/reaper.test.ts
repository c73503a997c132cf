// Whatever happens to the local cloud, nothing of it is left running or stopped.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Reaper, startTime, sweep } from '../../../src/testing/runtime/reaper.ts';
import { isRunning, writeFiles } from './harness.ts';

const posix = process.platform !== 'win32';

describe.runIf(posix)('a local cloud that is killed', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s leaves no process, stopped or busy, and no temporary folder',
    async (signal) => {
      using folder = temporaryFolder();
      const cloud = join(folder.path, 'cloud');
      await using doomed = start(folder.path, cloud, 'temporary');
      const pids = await doomed.pids;
      expect(new Set(pids).size).toBe(2);
      expect(pids.every(isRunning)).toBe(true);
      doomed.child.kill(signal);
      await once(doomed.child, 'exit');
      await expect.poll(() => pids.filter(isRunning), { timeout: 10_000 }).toEqual([]);
      await expect.poll(() => existsSync(cloud), { timeout: 10_000 }).toBe(false);
    },
  );

  it('together with its watchdog leaves processes that the next start in the same folder ends', async () => {
    using folder = temporaryFolder();
    const cloud = join(folder.path, 'cloud');
    await using doomed = start(folder.path, cloud, 'kept');
    const pids = await doomed.pids;
    // The watchdog is the shell among its children.
    const children = await childrenOf(doomed.child.pid ?? 0);
    for (const { pid, command } of children) if (command.includes('glowplug-watchdog')) process.kill(pid, 'SIGKILL');
    doomed.child.kill('SIGKILL');
    await once(doomed.child, 'exit');
    expect(pids.some(isRunning)).toBe(true);
    using _next = Reaper.start({ folder: cloud, remove: false });
    await expect.poll(() => pids.filter(isRunning), { timeout: 10_000 }).toEqual([]);
  });
});

describe('pid files', () => {
  it('never end a process that was given the pid of an earlier one', () => {
    using folder = temporaryFolder();
    const own = `${process.pid}`;
    writeFileSync(join(folder.path, own), 'another start time');
    expect(sweep(folder.path)).toEqual([]);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('a folder belongs to one cloud at a time', () => {
    using folder = temporaryFolder();
    const first = Reaper.start({ folder: folder.path, remove: false });
    expect(() => Reaper.start({ folder: folder.path, remove: false })).toThrow(
      `another local cloud, process ${process.pid}, runs in ${folder.path}`,
    );
    first[Symbol.dispose]();
    Reaper.start({ folder: folder.path, remove: false })[Symbol.dispose]();
  });

  it('an owner that has died does not hold the folder', () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'pids'));
    writeFileSync(join(folder.path, 'pids', 'owner'), `${process.pid} ${startTime(process.pid)} earlier`);
    Reaper.start({ folder: folder.path, remove: false })[Symbol.dispose]();
  });
});

function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'glowplug-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function start(folder: string, cloud: string, temporary: string) {
  const code = join(folder, 'code');
  writeFiles(code, {
    'index.mjs': `
      import { existsSync, writeFileSync } from 'node:fs';
      export const handler = async ({ me, other }) => {
        writeFileSync(me, '');
        while (!existsSync(other)) await new Promise((resolve) => setTimeout(resolve, 5));
        return process.pid;
      };`,
  });
  const script = join(import.meta.dirname, 'doomed-cloud.ts');
  const child = spawn(process.execPath, [...process.execArgv, script, cloud, code, temporary], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids = once(child.stdout, 'data').then(([line]): number[] => JSON.parse(String(line)));
  return {
    child,
    pids,
    // A test that fails must not leave it, which has no other end.
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function childrenOf(parent: number): Promise<{ pid: number; command: string }[]> {
  const ps = spawn('/bin/ps', ['-A', '-o', 'pid=,ppid=,args='], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  for await (const chunk of ps.stdout) text += chunk;
  return text.split('\n').flatMap((line) => {
    const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && command !== undefined ? [{ pid: Number(pid), command }] : [];
  });
}
