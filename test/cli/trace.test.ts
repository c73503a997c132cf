import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { traceCommand } from '../../src/cli/trace.ts';
import { waterfall } from '../../src/cli/waterfall.ts';
import { ColdStart } from '../../src/handler/cold-start.ts';
import { coldStartsIn } from '../../src/testing/cold-starts-in.ts';
import { LogFiles } from '../../src/testing/log-files.ts';
import { runCommand } from './run-command.ts';

describe('a cold start’s trace', () => {
  it('is one line of the log, in order, and only of the first answer', async () => {
    const { line, lines } = await recorded();
    expect(lines).toHaveLength(1);
    expect(line).toMatchObject({ message: 'cold start', ms: 260 });
    expect(coldStartsIn(JSON.stringify({ level: 'INFO', ...line }))[0]?.map(({ stage }) => stage)).toEqual([
      'boot',
      'import',
      'fetch',
      'verify',
      'runtime',
      'run',
    ]);
  });

  it('is a metric set too, which CloudWatch takes from the line', async () => {
    const { line } = await recorded();
    expect(line).toMatchObject({
      FunctionName: 'ocr',
      ColdStart: 260,
      Boot: 60,
      Import: 5,
      Fetch: 95,
      Verify: 7,
      Runtime: 40,
      FirstRun: 100,
      FetchedBytes: 10e6,
    });
    const { _aws: embedded } = line as { _aws?: { Timestamp: number; CloudWatchMetrics: EmbeddedMetrics[] } };
    expect(embedded?.Timestamp).toBe(1_790_000_000_000);
    const [{ Namespace, Dimensions, Metrics } = { Namespace: '', Dimensions: [], Metrics: [] }] =
      embedded?.CloudWatchMetrics ?? [];
    expect([Namespace, Dimensions]).toEqual(['glowplug', [['FunctionName']]]);
    // Each metric that is declared has its number at the root, as the format wants it.
    for (const { Name } of Metrics) expect(typeof Object(line)[Name]).toBe('number');
    expect(Metrics).toHaveLength(8);
  });

  it('says when init went on in the first invocation', async () => {
    const warnings: string[] = [];
    for (const to of [9_999, 10_001]) {
      let now = 0;
      const start = new ColdStart(0, { now: () => now, sleep: async () => {} });
      await start.record('fetch', { model: 'rec' }, () => {
        now = to;
      });
      start.finish({ info() {}, error() {}, warn: (message) => void warnings.push(`${to}: ${message}`) }, 'ocr', 0);
    }
    expect(warnings).toEqual([expect.stringMatching(/^10001: .*went on in the first invocation$/)]);
  });

  it('is found between other lines, behind a prefix, and wrapped as Lambda does', async () => {
    const { line } = await recorded();
    const plain = JSON.stringify({ level: 'INFO', ...line });
    const log = [
      'START',
      `2026-11-24T10:00:00 ${plain}`,
      '{"message":"cold start"}',
      'cold start {',
      JSON.stringify({ time: 't', message: line }),
    ];
    expect(coldStartsIn(log.join('\n'))).toHaveLength(2);
  });

  it('is shown as bars under each other, with the speed of what travelled', async () => {
    const { line } = await recorded();
    const [stages = []] = coldStartsIn(JSON.stringify(line));
    const lines = stripVTControlCharacters(waterfall(stages, 80)).split('\n');
    expect(lines[0]).toBe("cold start: 260.0 ms from the process's begin to the answer");
    expect(lines[3]).toMatch(/^fetch rec +█+ +95\.0 ms {2}10\.0 MB, 105 MB\/s$/);
    expect(lines[4]).toMatch(/^verify rec +░+ +7\.0 ms$/);
    expect(lines[5]?.indexOf('█')).toBeGreaterThan(lines[3]?.indexOf('█') ?? 99);
  });

  it('is, while a local cloud runs, the last one of the function that is meant, or of each', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-trace-'));
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder);
    try {
      const { line } = await recorded();
      const keep = async (...lines: [functionName: string, line: string][]) => {
        await using files = new LogFiles(join(folder, '.glowplug/cloud'));
        for (const each of lines) files.write(...each);
      };
      const whole = JSON.stringify(line);
      await keep(['ocr', JSON.stringify({ ...line, stages: [] })], ['ocr', whole], ['iris', whole]);
      await writeFile(
        join(folder, '.glowplug/cloud/running.json'),
        JSON.stringify({ pid: process.pid, urls: { ocr: '', iris: '' } }),
      );
      const shown = async (...args: string[]): Promise<unknown[][]> =>
        JSON.parse((await runCommand(traceCommand(), '--json', ...args)).stdout);
      expect((await shown('ocr')).map((stages) => stages.length)).toEqual([6]);
      expect(await shown()).toHaveLength(2);
      const { exitCode, stderr } = await runCommand(traceCommand(), 'nobody');
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('one of the functions ocr, iris; got nobody')]);
      // A cloud that starts begins its logs anew.
      await keep(['ocr', 'START']);
      expect(await runCommand(traceCommand(), 'ocr')).toMatchObject({ stderr: expect.stringContaining('found none') });
    } finally {
      cwd.mockRestore();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is read from a file; a log without one says so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'glowplug-trace-'));
    try {
      const path = join(folder, 'log');
      await writeFile(path, JSON.stringify((await recorded()).line));
      expect((await runCommand(traceCommand(), '--log', path)).stdout).toContain('fetch rec');
      expect(JSON.parse((await runCommand(traceCommand(), '--log', path, '--json')).stdout)).toHaveLength(1);
      const svg = join(folder, 'start.svg');
      await runCommand(traceCommand(), '--log', path, '--svg', svg);
      const picture = await readFile(svg, 'utf8');
      expect(picture.match(/<rect /g)).toHaveLength(6);
      expect(picture).toContain('>10.0 MB, 105 MB/s<'.slice(1, -1));
      await writeFile(path, 'START\nEND\n');
      const without = await runCommand(traceCommand(), '--log', path);
      expect(without).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('found none') });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

interface EmbeddedMetrics {
  readonly Namespace: string;
  readonly Dimensions: readonly string[][];
  readonly Metrics: readonly { Name: string; Unit: string }[];
}

/** Boot 60 ms, import 5, a fetch of 10 MB in 95 ms of which 7 for hashing, the runtime within it, a run, and one after the line. */
async function recorded() {
  let now = 60;
  const clock = { now: () => now, sleep: async () => {} };
  const lines: [string, Readonly<Record<string, unknown>>][] = [];
  const log = { info: (message: string, fields = {}) => void lines.push([message, fields]), warn() {}, error() {} };
  const start = new ColdStart(60, clock);
  now = 65;
  start.imported();
  await start.recordFetch({ model: 'rec', bytes: 10e6 }, async (verifying) => {
    now = 73;
    verifying(() => (now += 7));
    await start.record('runtime', {}, async () => {
      now = 120;
    });
    now = 160;
  });
  await start.record('run', { model: 'rec:prod' }, async () => {
    now = 260;
  });
  start.finish(log, 'ocr', 1_790_000_000_000);
  await start.record('run', { model: 'rec:prod' }, async () => {
    now = 300;
  });
  start.finish(log, 'ocr', 1_790_000_000_000);
  const [message, fields] = lines[0] ?? ['', {}];
  return { line: { message, ...fields }, lines };
}
