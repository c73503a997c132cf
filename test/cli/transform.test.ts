// glowplug transform over a real function, served meanwhile.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { transformCommand } from '../../src/cli/transform.ts';
import { forecast } from '../../src/cli/transform-forecast.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { publishAll } from '../../src/release/publish-all.ts';
import { temporaryFolder } from '../models/temporary.ts';
import { root } from '../root.ts';
import { runCommand } from './run-command.ts';

it('the cost before it begins is objects × time × memory × price, and a request each', () => {
  // 1,000,000 × (0.4 s × 1.7275390625 GB × $0.0000166667 + $0.0000002)
  expect(forecast(1e6, 400, 1769, 'declared')).toMatch(/^1,000,000 objects × 400 ms \(declared\): \$11\.72 on Lambda/);
  expect(forecast(10, 0.5, 128, 'declared')).toMatch(/10 objects × 0\.5 ms .*less than \$0\.01/);
});

describe('glowplug transform', () => {
  it('answers a folder of requests with a function, and ends with 1 where some were refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-transform-test-'));
    try {
      const [from, to] = [join(folder, 'in'), join(folder, 'out')];
      await mkdir(from);
      const sample = await readFile(join(root, 'functions/iris/request.json'), 'utf8');
      for (let i = 0; i < 20; i++) await writeFile(join(from, `${i}.json`), sample);
      await writeFile(join(from, 'bad.json'), '{}');
      const store = join(folder, 'store');
      await publishAll({ root, store: folderStore(store) });
      const args = [from, to, '--function', join(root, 'functions/iris'), '--store', store];
      const shown = await runCommand(transformCommand(), ...args);
      expect(shown.exitCode).toBe(1);
      expect(shown.stderr).toMatch(
        /21 objects × [\d.]+ ms \(measured on the first\): less than \$0\.01 on Lambda with 1769 MB/,
      );
      expect(shown.stdout).toMatch(/21 objects: 20 answered, 0 had been, 1 failed/);
      expect(shown.stderr.match(/20 of 21 answered, 1 failed/g)).toHaveLength(1);
      expect(shown.stdout).toContain('INPUT_SCHEMA');
      expect((await readdir(join(to, 'results'))).length).toBe(20);
      expect(JSON.parse(await readFile(join(to, 'results/7.json'), 'utf8'))).toMatchObject({ class: 'setosa' });
      const again = await runCommand(transformCommand(), ...args, '--json');
      expect(JSON.parse(again.stdout)).toMatchObject({ total: 21, done: 0, skipped: 20, failed: 1 });
      expect(again.stderr).toMatch(/^· 20 of 21 answered, 1 failed\n$/m);
      expect(again.stderr).not.toMatch(/on Lambda|a second/);
      expect((await runCommand(transformCommand(), ...args)).stdout).toContain('--retry-failed asks');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('refuses to write into what it reads, a file to read, and a function that is not there; nothing stays behind', async () => {
    await using folder = await temporaryFolder();
    const from = join(folder.path, 'in');
    await mkdir(from);
    vi.stubEnv('TMPDIR', folder.path);
    const run = (...args: string[]) => runCommand(transformCommand(), ...args);
    const there = ['--url', 'http://127.0.0.1:9'];
    for (const places of [
      [from, from],
      [from, join(from, 'out')],
      ['s3://bucket/a', 's3://bucket/a/c'],
      [join(from, 'results'), from],
    ] as const) {
      await mkdir(join(from, 'results'), { recursive: true });
      expect((await run(...places, ...there)).stderr, places.join()).toContain(
        'expected results to be written outside of',
      );
    }
    await rm(join(from, 'results'), { recursive: true });
    expect((await run(from, `${from}-out`, ...there)).stdout).toContain(`no objects in ${from}: nothing was sent`);
    await writeFile(join(from, 'a.json'), '{}');
    expect((await run(join(from, 'a.json'), `${from}-out`, ...there)).stderr).toContain('found a file');
    expect((await run(from, `${from}-out`, '--function', 'iris')).stderr).toContain('Name its folder: functions/iris.');
    expect((await run(from, `${from}-out`, '--function', 'tulip')).stderr).toContain('got tulip');
    vi.unstubAllEnvs();
    expect((await readdir(folder.path)).toSorted()).toEqual(['in', 'in-out']);
  });
});
