// glowplug logs: what another terminal sees of a running cloud, while it runs and afterwards.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { logsCommand } from '../../src/cli/logs.ts';
import { printableLog } from '../../src/cli/printable.ts';
import { startLocalCloud } from '../../src/testing/index.ts';
import { readLogs } from '../../src/testing/log-files.ts';
import { testApp } from '../testing/app.ts';
import { runCommand } from './run-command.ts';

const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'glowplug-logs-'));
const logs = join(folder, '.glowplug/cloud/logs');
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

it('says that no cloud has run here', async () => {
  const { exitCode, stderr } = await runCommand(logsCommand());
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('no local cloud has run here')]);
});

it('prints every function’s lines, one function’s, or JSON; and names no function that is not there', async () => {
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, 'iris.log'), 'one\ntwo\rand more\n');
  writeFileSync(join(logs, 'ocr.log'), 'three\n');
  expect((await runCommand(logsCommand())).stdout).toBe('iris │ one\niris │ two\n     │ and more\nocr │ three\n');
  expect((await runCommand(logsCommand(), 'ocr')).stdout).toBe('three\n');
  expect((await runCommand(logsCommand(), 'ocr', '--json')).stdout).toBe('{"function":"ocr","line":"three"}\n');
  expect((await runCommand(logsCommand(), 'other')).stderr).toContain('one of the functions iris, ocr; got other');
});

it('shows colours, and what else a terminal would obey as a sign; a line of a message stays its function’s', async () => {
  const hostile = '\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x9b2J \u202eevil\tx\rocr │ forged';
  writeFileSync(join(logs, 'bad.log'), `${hostile}\n`);
  expect((await runCommand(logsCommand(), 'bad')).stdout).toBe(
    // The colours are taken off by runCommand.
    'red �]0;title� �[2J�2J �evil\tx\nocr │ forged\n',
  );
  expect(printableLog('\x1b[8mhidden')).toBe('\x1b[8mhidden\x1b[0m');
  const { stdout } = await runCommand(logsCommand());
  expect(stdout).toContain('x\n    │ ocr │ forged\n');
  expect((await runCommand(logsCommand(), 'bad', '--json')).stdout).toBe(
    `${JSON.stringify({ function: 'bad', line: hostile })}\n`,
  );
  rmSync(join(logs, 'bad.log'));
});

it('follows: lines as they become whole, files that are new, and files that begin anew', async () => {
  const stop = new AbortController();
  const steps = [
    () => appendFileSync(join(logs, 'iris.log'), 'thr'),
    () => appendFileSync(join(logs, 'iris.log'), 'ee\n'),
    () => writeFileSync(join(logs, 'new.log'), 'first\n'),
    () => writeFileSync(join(logs, 'iris.log'), 'anew\n'),
    () => stop.abort(),
  ];
  const clock = { now: () => 0, sleep: async () => steps.shift()?.() };
  const seen: string[] = [];
  for await (const { function: name, line } of readLogs(logs, undefined, { clock, signal: stop.signal })) {
    seen.push(`${name} ${line}`);
  }
  expect(seen.slice(3)).toEqual(['iris three', 'new first', 'iris anew']);
});

it('finds what a cloud wrote that is kept, in its last run alone', async () => {
  using app = testApp({ talks: 'export const handler = async (word) => console.log(word);' });
  const kept = join(folder, '.glowplug/cloud');
  for (const word of ['earlier', 'later']) {
    await using cloud = await startLocalCloud({ root: app.root, folder: kept });
    await cloud.function('talks').invoke(word);
  }
  const { stdout } = await runCommand(logsCommand(), 'talks');
  expect(stdout).toContain('INFO\tlater');
  expect(stdout).toContain('REPORT RequestId');
  expect(stdout).not.toContain('earlier');
});
