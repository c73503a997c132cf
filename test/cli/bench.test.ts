import { describe, expect, it } from 'vitest';
import { benchCommand } from '../../src/cli/bench.ts';
import { sampleModels } from '../onnx/sample-models.ts';
import { runCommand } from './run-command.ts';

describe('glowplug bench batch', () => {
  it('draws the time a row by the rows of a run, marks what it chose, and says whether rows stay the same', async () => {
    const { exitCode, stdout } = await runCommand(benchCommand(), 'batch', sampleModels['iris']!, '--rows', '8');
    expect(stdout).toMatch(/^ rows +ms a run +ms a row/);
    for (const rows of [1, 2, 4, 8]) expect(stdout).toMatch(new RegExp(`^ +${rows} +[\\d.e-]+ +[\\d.e-]+ +█+`, 'm'));
    expect(stdout.match(/◄ chosen/g)).toHaveLength(1);
    expect(stdout).toMatch(/batching (pays: [\d.]+ ×|does not pay here)/);
    expect(stdout).toMatch(/differ from rows answered alone by at most \d\.\de[+-]\d/);
    expect(exitCode).toBe(0);
  });

  it('--json gives the figures', async () => {
    const { stdout } = await runCommand(
      benchCommand(),
      'batch',
      sampleModels['iris']!,
      '--rows',
      '4',
      '--threads',
      '1',
      '--json',
    );
    const { curve, ...rest } = JSON.parse(stdout);
    expect(curve.map(({ rows }: { rows: number }) => rows)).toEqual([1, 2, 4]);
    expect(rest).toMatchObject({ threads: 1, worth: expect.any(Boolean), chosen: { rows: expect.any(Number) } });
    expect(rest.same).toBeLessThan(1e-5);
  });

  it('asks for the length of a free dimension, by name', async () => {
    const { exitCode, stderr } = await runCommand(benchCommand(), 'batch', sampleModels['rec']!);
    expect(stderr).toContain('expected a length of dimension "p2o.DynamicDimension.1" of input "x", got none');
    expect(stderr).toContain('Add --length p2o.DynamicDimension.1=<length>.');
    expect(exitCode).toBe(1);
  });
});
