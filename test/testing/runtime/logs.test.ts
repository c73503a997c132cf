// The log of a function: Lambda's own lines, the function's between them, in the order they were written.
import { basename } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { behaviour } from '../behaviour.ts';
import { harness } from './harness.ts';

describe('the log of a function', () => {
  behaviour(
    'Each invocation stands between START and END, followed by REPORT with duration, billing and memory',
    'AWS Lambda Developer Guide: Working with Lambda function logs',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(`export const handler = async () => {
        console.log('one');
        process.stdout.write('no line end');
      };`);
      const { outcome } = await fn.call();
      const id = outcome.kind === 'response' ? outcome.requestId : '';
      const lines = fn.local.log.text.split('\n');
      expect(lines[0]).toBe(`START RequestId: ${id} Version: $LATEST`);
      expect(lines[1]).toMatch(new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\\t${id}\\tINFO\\tone$`));
      expect(lines[2]).toBe('no line end');
      expect(lines[3]).toBe(`END RequestId: ${id}`);
      expect(lines[4]).toMatch(
        new RegExp(
          `^REPORT RequestId: ${id}\\tDuration: \\d+\\.\\d\\d ms\\tBilled Duration: \\d+ ms\\tMemory Size: 256 MB\\t` +
            'Max Memory Used: \\d+ MB\\tInit Duration: \\d+\\.\\d\\d ms\\t$',
        ),
      );
    },
  );

  behaviour(
    'Init Duration is in the first REPORT of an environment alone, and is billed',
    'AWS Compute Blog: AWS Lambda standardizes billing for INIT Phase',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => 1;');
      const cold = report((await fn.call()).logTail);
      const warm = report((await fn.call()).logTail);
      expect(cold['Init Duration']).toBeGreaterThan(0);
      expect(cold['Billed Duration']).toBe(
        Math.ceil(Math.round(100 * (cold['Duration']! + cold['Init Duration']!)) / 100),
      );
      expect(warm['Init Duration']).toBeUndefined();
      expect(warm['Billed Duration']).toBe(Math.ceil(warm['Duration']!));
    },
  );

  behaviour(
    'The log result of an invocation is the last 4 KB of its own log',
    'AWS Lambda API Reference: Invoke',
    async () => {
      await using cloud = harness();
      const fn = cloud.add(`export const handler = async ({ lines }) => {
        for (let i = 0; i < lines; i++) console.log('line ' + i);
      };`);
      await fn.call({ lines: 1 });
      const { logTail } = await fn.call({ lines: 5_000 });
      expect(Buffer.byteLength(logTail)).toBe(4_096);
      expect(logTail).toContain('line 4999');
      expect(logTail).toMatch(/REPORT RequestId: [^\n]*\n$/);
      expect((await fn.call({ lines: 1 })).logTail).toMatch(/^START /);
    },
  );

  behaviour(
    'Log format JSON and an application log level hold for what the function writes',
    'AWS Lambda Developer Guide: Configuring advanced logging controls for Lambda functions',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async () => { console.info("calm"); console.error("alarm"); };', {
        log: { format: 'JSON', level: 'ERROR' },
      });
      const { logTail, outcome } = await fn.call();
      expect(logTail).not.toContain('calm');
      const line = logTail.split('\n').find((each) => each.includes('alarm'));
      expect(JSON.parse(line ?? '')).toMatchObject({
        level: 'ERROR',
        message: 'alarm',
        requestId: outcome.kind === 'response' && outcome.requestId,
      });
    },
  );

  behaviour(
    'Log format JSON holds for the platform’s own lines, too: platform.start and platform.report',
    'AWS Lambda Developer Guide: Configuring advanced logging controls for Lambda functions',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async ({ exit }) => { if (exit) process.exit(4); };', {
        log: { format: 'JSON' },
      });
      const { outcome } = await fn.call();
      const requestId = 'requestId' in outcome && outcome.requestId;
      const [start, report, ...more] = jsonLines(fn.local.log.text);
      expect(more).toEqual([]);
      expect(start).toEqual({
        time: expect.any(String),
        type: 'platform.start',
        record: { requestId, version: '$LATEST' },
      });
      expect(report).toMatchObject({
        type: 'platform.report',
        record: {
          requestId,
          metrics: { memorySizeMB: 256, initDurationMs: expect.any(Number), billedDurationMs: expect.any(Number) },
          status: 'success',
        },
      });
      await fn.call({ exit: true });
      expect(jsonLines(fn.local.log.text).at(-1)).toMatchObject({
        record: { status: 'error', errorType: 'Runtime.ExitError' },
      });
    },
  );

  behaviour(
    'A system log level of WARN leaves out starts and reports of what went well',
    'AWS Lambda Developer Guide: Configuring advanced logging controls for Lambda functions',
    async () => {
      await using cloud = harness();
      const fn = cloud.add('export const handler = async ({ exit }) => { if (exit) process.exit(4); };', {
        log: { format: 'JSON', systemLevel: 'WARN' },
      });
      await fn.call();
      expect(fn.local.log.text).toBe('');
      await fn.call({ exit: true });
      expect(jsonLines(fn.local.log.text).map(({ type }) => type)).toEqual(['platform.report']);
    },
  );

  behaviour(
    'Lines of concurrent environments do not mix within a line',
    'AWS Lambda Developer Guide: Working with Lambda function logs',
    async () => {
      const lines: string[] = [];
      await using cloud = harness({ onLine: (_name, line) => lines.push(line) });
      const fn = cloud.add(`export const handler = async ({ letter }) => {
        for (let i = 0; i < 50; i++) {
          for (let j = 0; j < 10; j++) process.stdout.write(letter);
          await new Promise(setImmediate);
          process.stdout.write(letter + '\\n');
        }
      };`);
      await Promise.all(['a', 'b', 'c'].map((letter) => fn.value({ letter })));
      const written = lines.filter((line) => /^[abc]+$/.test(line));
      expect(written).toHaveLength(150);
      expect(new Set(written)).toEqual(new Set(['a', 'b', 'c'].map((letter) => letter.repeat(11))));
    },
  );

  it('tells stack traces in the developer’s own files, where a map lies beside the bundle', async () => {
    await using cloud = harness();
    const { outputFiles } = await build({
      stdin: {
        contents:
          'type Event = { readonly deep: string };\n\nexport const handler = async ({ deep }: Event) => {\n  throw new Error(deep);\n};',
        sourcefile: '../../../../functions/deep/function.ts',
        loader: 'ts',
      },
      bundle: true,
      minify: true,
      format: 'esm',
      sourcemap: 'linked',
      outfile: 'index.mjs',
      write: false,
    });
    const files = Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text]));
    const fn = cloud.add(files);
    await fn.call({ deep: 'down here' });
    expect(fn.local.log.text).toMatch(/at .+ \(functions\/deep\/function\.ts:4:9\)/);
    expect(fn.local.log.text).not.toContain(fn.local.spec.codeFolder);
    const plain = cloud.add('export const handler = async () => { throw new Error("no map"); };');
    await plain.call();
    expect(plain.local.log.text).toMatch(/index\.mjs:1:\d+/);
  });
});

function jsonLines(text: string): { readonly type: string; readonly record: unknown }[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function report(logTail: string): Record<string, number> {
  const line = logTail.split('\n').find((each) => each.startsWith('REPORT ')) ?? '';
  return Object.fromEntries(
    [...line.matchAll(/\t([A-Z][A-Za-z ]+): ([\d.]+) (?:ms|MB)/g)].map((match) => [match[1], Number(match[2])]),
  );
}
