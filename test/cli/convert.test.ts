// What glowplug convert refuses before it installs or runs anything.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { convertCommand } from '../../src/cli/convert.ts';
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
