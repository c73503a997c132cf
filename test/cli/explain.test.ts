// glowplug explain: one request of a log, from the local cloud's files and from CloudWatch's.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainCommand } from '../../src/cli/explain.ts';
import { insightsLines } from '../../src/cli/insights.ts';
import type { RequestRecord } from '../../src/core/request-record.ts';
import { traceOf } from '../../src/core/trace-context.ts';
import { requestLines } from '../../src/observe/request-lines.ts';
import type { ApiRequest } from '../../src/ops/aws-api.ts';
import { explainRequest } from '../../src/testing/explain-request.ts';
import { runCommand } from './run-command.ts';

const id = '6f9a0c1e-3c8e-4a55-9a53-0f3f1f0a7b11';
const record: RequestRecord = {
  requestId: id,
  trace: traceOf({}),
  startedAt: 1_790_000_000_000,
  ms: 52.5,
  status: 200,
  stages: [
    { stage: 'decode', from: 0, to: 2 },
    { stage: 'predict', from: 2, to: 52 },
  ],
  runs: [
    { model: 'det', version: '4.0.0', from: 2, to: 30, queueMs: 0, rows: 1, requests: 1 },
    { model: 'rec', version: '4.1.0', from: 30, to: 52, queueMs: 12, rows: 24, requests: 3 },
  ],
};
const about = { functionName: 'ocr', cold: true, dollars: 0.000_02 };
const written = requestLines(record, about).map(({ message, fields }) =>
  JSON.stringify({ level: 'INFO', message, ...fields }),
);
const stages = [
  { stage: 'boot', from: 0, to: 60 },
  { stage: 'request', from: 70, to: 123 },
];
const cold = JSON.stringify({ level: 'INFO', message: 'cold start', requestId: id, ms: 123, stages, _aws: {} });
const log = [
  `START RequestId: ${id} Version: $LATEST`,
  `2026-11-25T10:00:00.000Z\t${id}\tINFO\ttwo lines\rof mine`,
  ...written,
  cold,
  `END RequestId: ${id}`,
  `REPORT RequestId: ${id}\tDuration: 61.20 ms\tBilled Duration: 62 ms\tMemory Size: 1769 MB\tMax Memory Used: 301 MB\tInit Duration: 66.00 ms\t`,
];
const other = [`START RequestId: other Version: $LATEST`, 'noise', `END RequestId: other`];

describe('glowplug explain', () => {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-explain-'));
  beforeAll(() => process.chdir(folder));
  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  it('says that no cloud has run here, and that a log does not know the request', async () => {
    expect((await runCommand(explainCommand(), id)).stderr).toContain('no local cloud has run here');
    mkdirSync('.glowplug/cloud/logs', { recursive: true });
    writeFileSync('.glowplug/cloud/logs/iris.log', `${other.join('\n')}\n`);
    const unknown = await runCommand(explainCommand(), id);
    expect(unknown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`about request ${id}`) });
    expect(unknown.stderr).toContain('--aws');
  });

  it('shows what a terminal would obey as a sign', async () => {
    const lines = [`START RequestId: ${id} Version: $LATEST`, `\x1b[2Jcleared ${id}`, `END RequestId: ${id}`];
    writeFileSync('.glowplug/cloud/logs/ocr.log', `${lines.join('\n')}\n`);
    const { stdout } = await runCommand(explainCommand(), id);
    expect(stdout).toContain('�[2Jcleared');
    expect(stdout).not.toContain('\x1b[2J');
  });

  it('shows its stages, its runs and whom with, its version, its environment, its log', async () => {
    writeFileSync('.glowplug/cloud/logs/ocr.log', `${[...other, ...log, ...other].join('\n')}\n`);
    const { stdout, exitCode } = await runCommand(explainCommand(), id);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`ocr ${id}: 200 in 52.5 ms`);
    expect(stdout).toContain('cold environment, init 66 ms, invocation 61.2 ms, 301 of 1769 MB');
    expect(stdout).toContain('det:4.0.0: 1 run, 28.0 ms; waited 0.0 ms; up to 1 row a run, alone');
    expect(stdout).toContain(
      'rec:4.1.0: 1 run, 10.0 ms; waited 12.0 ms; up to 24 rows a run, with up to 2 other requests',
    );
    expect(stdout).toMatch(/queue rec +█+ +12\.0 ms\nrun rec +█+ +10\.0 ms/);
    expect(stdout).toContain('about $0.00002000');
    expect(stdout).toContain("cold start: 123.0 ms from the process's begin to the answer");
    expect(stdout).toContain('two lines\n  of mine');
    expect(stdout).not.toContain('noise');
    expect(stdout).not.toContain('_aws');
  });

  it('is JSON, a picture, or a folder to hand on', async () => {
    const { stdout } = await runCommand(explainCommand(), id, '--json', '--svg', 'one.svg', '--out', 'bundle');
    expect(JSON.parse(stdout)).toMatchObject({
      function: 'ocr',
      request: { status: 200, cold_start: true, runs: record.runs },
      coldStart: stages,
      invocation: { memoryMb: 1769 },
    });
    expect(readdirSync('bundle').sort()).toEqual(['cold-start.svg', 'log.txt', 'request.json', 'request.svg']);
    expect(readFileSync('one.svg', 'utf8')).toContain('<title>request: 52.5 ms from its first verb to its end</title>');
    expect(JSON.parse(readFileSync('bundle/request.json', 'utf8')).requestId).toBe(id);
  });

  it('says where it wrote, before any work where it cannot, and that --since is for CloudWatch', async () => {
    const quiet = log.filter((line) => !line.includes('of mine'));
    writeFileSync('.glowplug/cloud/logs/ocr.log', `${quiet.join('\n')}\n`);
    const { stdout } = await runCommand(explainCommand(), id, '--svg', 'one.svg', '--out', 'quiet');
    expect(stdout).toMatch(/\nwrote {2}one\.svg\nwrote {2}quiet\n$/);
    expect(readdirSync('quiet')).not.toContain('log.txt');
    const nowhere = await runCommand(explainCommand(), id, '--svg', 'no/one.svg');
    expect(nowhere).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('expected a folder at no'),
    });
    const since = await runCommand(explainCommand(), id, '--since', '2h');
    expect(since).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('expected --aws with --since') });
  });

  it('explains what never ended, too', () => {
    const report = `REPORT RequestId: ${id}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 90 MB\tStatus: timeout`;
    const found = explainRequest(
      id,
      [log[0]!, report].map((line) => ({ function: 'ocr', line })),
    );
    expect(found).toMatchObject({ request: undefined, invocation: { durationMs: 3000, failure: 'timeout' } });
  });

  it('reads logs in the format JSON, in which Lambda wraps what a function wrote', () => {
    const wrap = (line: string) =>
      JSON.stringify({ timestamp: '2026', level: 'INFO', requestId: id, message: JSON.parse(line) });
    const found = explainRequest(
      id,
      [...written.map(wrap), wrap(cold)].map((line) => ({ function: 'ocr', line })),
    );
    expect(found).toMatchObject({ request: { ms: 52.5 }, coldStart: stages, log: [] });
  });

  it('asks Logs Insights for the function’s own log group, until the answer is whole', async () => {
    const asked: [string, unknown][] = [];
    const answers = [
      { status: 'Scheduled' },
      { status: 'Running', results: [] },
      {
        status: 'Complete',
        results: log.map((value) => [
          { field: '@message', value: `${value}\n` },
          { field: '@ptr', value: 'x' },
        ]),
      },
    ];
    const api = async ({ path, headers, body }: ApiRequest) => {
      const action = headers?.['x-amz-target'] ?? path;
      asked.push([action, body]);
      const json = action.endsWith('configuration')
        ? { LoggingConfig: { LogGroup: 'functions-OcrLogs1A2B' } }
        : action.endsWith('StartQuery')
          ? { queryId: 'q' }
          : answers.shift();
      return { headers: new Headers(), json };
    };
    const clock = { now: () => 0, sleep: async () => {} };
    const options = { api, clock, functionName: 'prod-Ocr', sinceMs: 3_600_000, now: 1_790_000_000_000 };
    const lines = await insightsLines(id, options);
    expect(explainRequest(id, lines)).toMatchObject({
      function: 'prod-Ocr',
      request: { ms: 52.5 },
      invocation: { maxMemoryMb: 301 },
    });
    expect(asked.map(([action]) => action)).toEqual([
      '/2015-03-31/functions/prod-Ocr/configuration',
      'Logs_20140328.StartQuery',
      ...Array(3).fill('Logs_20140328.GetQueryResults'),
    ]);
    expect(asked[1]?.[1]).toMatchObject({
      logGroupName: 'functions-OcrLogs1A2B',
      startTime: 1_789_996_400,
      endTime: 1_790_000_000,
    });
    await expect(insightsLines('x" or 1=1', options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('says where credentials come from, when there are none', async () => {
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _key, ...without } = process.env;
    const all = process.env;
    process.env = without;
    try {
      expect((await runCommand(explainCommand(), id, '--aws', 'Ocr')).stderr).toContain(
        'aws configure export-credentials',
      );
    } finally {
      process.env = all;
    }
  });
});
