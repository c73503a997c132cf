// glowplug transform over a real function, served meanwhile.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { transformCommand } from '../../src/cli/transform.ts';
import { forecast } from '../../src/cli/transform-forecast.ts';
import { folderStore } from '../../src/models/stores/folder.ts';
import { publishAll } from '../../src/release/publish-all.ts';
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
      expect(shown.stdout).toContain('INPUT_SCHEMA');
      expect((await readdir(join(to, 'results'))).length).toBe(20);
      expect(JSON.parse(await readFile(join(to, 'results/7.json'), 'utf8'))).toMatchObject({ class: 'setosa' });
      const again = await runCommand(transformCommand(), ...args, '--json');
      expect(JSON.parse(again.stdout)).toMatchObject({ total: 21, done: 0, skipped: 20, failed: 1 });
      expect(again.stderr).not.toContain('on Lambda');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
