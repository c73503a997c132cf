// What glowplug convert refuses before it installs or runs anything, and what it leaves when it is ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { convertCommand } from '../../src/cli/convert.ts';
import { root } from '../root.ts';
import { runCommand } from './run-command.ts';

const before = process.cwd();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glowplug-convert-cli-'));
  process.chdir(folder);
  await mkdir('models');
  for (const file of ['a.joblib', 'a.onnx', 'models/blocked']) await writeFile(file, 'text');
});
afterAll(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true, force: true });
});

it.each([
  [['a.joblib', '--name', 'blocked'], 'expected a folder at models/blocked, found a file'],
  [['a.joblib', '--name', 'Bad Name'], 'Give another --name.'],
  [['a.joblib', '--framework', 'keras'], 'looks like one of scikit-learn'],
  [['a.joblib', '--samples', 'none'], 'expected .npz files in none, found none'],
  [['absent.joblib'], 'Give the path of a file'],
  [['a.onnx', '--ort', 'none/a.ort'], 'expected a folder at none, found none'],
])('%j: %s', async (args, message) => {
  const { exitCode, stderr } = await runCommand(convertCommand(), ...args, '--yes');
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('install');
  expect(exitCode).toBe(1);
});

it.each(['SIGINT', 'SIGTERM'] as const)('ended by %s while it installs, it leaves nothing behind', async (signal) => {
  const temporary = join(folder, 'tmp');
  await mkdir(temporary, { recursive: true });
  // It makes an environment as slowly as a real one does, and says by which process.
  const python = '#!/bin/sh\ncase "$*" in *venv*) mkdir -p "$3/lib"; echo $$ > pid; exec /bin/sleep 60;; esac\n';
  await writeFile('python3', python, { mode: 0o755 });
  const cli = join(root, 'src/cli/main.ts');
  const args = ['--conditions=glowplug-source', cli, 'convert', 'a.joblib', '--yes', '--python', './python3'];
  const env = { ...process.env, TMPDIR: temporary, PATH: folder };
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  await expect.poll(() => readFile('pid', 'utf8').catch(() => ''), { timeout: 20_000 }).toMatch(/\d+\n/);
  child.kill(signal);
  expect(await ended).toEqual([signal === 'SIGINT' ? 130 : 143, null]);
  const pid = Number(await readFile('pid', 'utf8'));
  await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
  expect([await readdir('.glowplug/convert'), await readdir(temporary)]).toEqual([[], []]);
  await rm('pid');
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
