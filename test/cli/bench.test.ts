import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { benchCommand } from '../../src/cli/bench.ts';
import { sampleModels } from '../onnx/sample-models.ts';
import { runCommand } from './run-command.ts';

describe('glowplug bench batch', () => {
  it('draws both curves, marks what it chose, and says whether rows stay the same', async () => {
    const args = ['batch', sampleModels['iris']!, '--rows', '8', '--threads', '2'];
    const { exitCode, stdout } = await runCommand(benchCommand(), ...args);
    expect(stdout.match(/^ rows +ms a run +rows\/s +(.*)$/gm)?.map((line) => line.split('   ').at(-1))).toEqual([
      'one run × 2 threads',
      '2 runs at once × 1 thread',
    ]);
    for (const rows of [1, 2, 4, 8]) {
      expect(stdout.match(new RegExp(`^ +${rows} +[\\d.e+-]+ +[\\d.e+-]+ +█+`, 'gm'))).toHaveLength(2);
    }
    expect(stdout.match(/◄ chosen/g)).toHaveLength(1);
    expect(stdout).toMatch(/batching (pays: [\d.]+ ×.*batch: \{ objective: \{ p95: 100 \}|does not pay here)/);
    expect(stdout).toMatch(/differ from rows answered alone by at most \d\.\de[+-]\d/);
    expect(exitCode).toBe(0);
  });

  it('--json gives the figures, --svg draws them: a line a split and panel, the chosen point on both', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-bench-test-'));
    const svg = join(folder, 'curve.svg');
    try {
      const args = ['batch', sampleModels['iris']!, '--rows', '4', '--threads', '2', '--json', '--svg', svg];
      const { stdout } = await runCommand(benchCommand(), ...args);
      const { splits, best, worth, same } = JSON.parse(stdout);
      expect(splits).toMatchObject([
        { runs: 1, threads: 2, curve: [{ rows: 1 }, { rows: 2 }, { rows: 4 }] },
        { runs: 2, threads: 1, curve: [{ rows: 1 }, { rows: 2 }, { rows: 4 }] },
      ]);
      expect(worth).toBe(best.rows > 1);
      expect(same).toBeLessThan(1e-5);
      const picture = await readFile(svg, 'utf8');
      expect(picture).toMatch(/^<svg [^>]*>\n<title>iris.onnx: \d+ rows\/s with \d rows a run, /);
      expect(picture.match(/<polyline points="(\d+(\.\d)?,\d+(\.\d)? ?){3}"/g)).toHaveLength(4);
      expect(picture.match(/<circle /g)).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('asks for the length of a free dimension, by name', async () => {
    const { exitCode, stderr } = await runCommand(benchCommand(), 'batch', sampleModels['rec']!);
    expect(stderr).toContain('expected a length of dimension "p2o.DynamicDimension.1" of input "x", got none');
    expect(stderr).toContain('Add --length p2o.DynamicDimension.1=<length>.');
    expect(exitCode).toBe(1);
  });
});
