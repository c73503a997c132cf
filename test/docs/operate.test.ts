// The guide page "Operate": its commands run beside a local cloud and print what the page says; its app synthesises.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { rememberRunningCloud } from '../../src/cli/running-cloud.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { runCommand } from '../cli/run-command.ts';
import { root } from '../root.ts';

const page = readFileSync(join(root, 'docs/guide/10-operate.md'), 'utf8');
const blocks = [...page.matchAll(/```(sh|text)\n([\s\S]*?)```/g)].map(([, kind = '', text = '']) => ({ kind, text }));

describe('docs/guide/10-operate.md', () => {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'glowplug-operate-'));
  let cloud: LocalCloud;
  beforeAll(async () => {
    symlinkSync(join(root, 'functions'), join(folder, 'functions'));
    cloud = await startLocalCloud({ root, folder: join(folder, '.glowplug/cloud') });
    await rememberRunningCloud(folder, cloud);
    process.chdir(folder);
  }, 120_000);
  afterAll(async () => {
    process.chdir(before);
    await cloud?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('prints what it says it prints, command after command', async () => {
    let [printed, id, commands] = ['', '', 0];
    for (const { kind, text } of blocks) {
      if (kind === 'text') {
        const lines = text.trim().split('\n');
        for (const line of lines) expect(printed).toMatch(pattern(line));
        continue;
      }
      for (const line of text.trim().split('\n')) {
        const [glowplug, ...args] = line.replace('$ID', id).split(' ');
        expect(glowplug).toBe('glowplug');
        const { exitCode, stdout, stderr } = await runCommand(buildProgram(), ...args);
        expect({ line, exitCode, stderr }).toEqual({ line, exitCode: 0, stderr: '' });
        if (args[0] === 'invoke') ({ requestId: id } = JSON.parse(stdout));
        printed = stdout;
        commands++;
      }
    }
    expect(commands).toBe(8);
    expect(readdirSync('slow-request').sort()).toEqual(['cold-start.svg', 'request.json', 'request.svg']);
    expect(printed).toContain('cold start:');
  }, 60_000);

  it('finds which operators take the time, by onnxruntime’s own profiler', async () => {
    const { requestId } = JSON.parse((await runCommand(buildProgram(), 'invoke', 'iris', '--json')).stdout);
    vi.stubEnv('AWS_ENDPOINT_URL_S3', cloud.s3Endpoint);
    vi.stubEnv('AWS_ACCESS_KEY_ID', cloud.credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', cloud.credentials.secretAccessKey);
    const args = ['explain', requestId, '--profile', '--store', `s3://${cloud.stores[0]}`, '--out', 'profiled'];
    const { stdout, exitCode } = await runCommand(buildProgram(), ...args).finally(() => vi.unstubAllEnvs());
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /iris:1\.0\.0 here, 1 row of made-up input: \d+\.\d\d ms a run\n {2}\w+ +\d+\.\d\d ms {2}× 1\n/,
    );
    expect(JSON.parse(readFileSync('profiled/profile-iris-1.0.0.json', 'utf8')).length).toBeGreaterThan(10);
  }, 60_000);
});

it('shows an app that compiles', () => {
  const app = join(root, '.glowplug/docs/operate');
  rmSync(app, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  for (const [, file = '', code = ''] of page.matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g))
    writeFileSync(join(app, file), code);
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['.'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  expect(execFileSync(process.execPath, [tsc, '-p', app], { encoding: 'utf8' })).toBe('');
  rmSync(app, { recursive: true, force: true });
}, 60_000);

/** `…` stands for any text of a line; spaces are as many as a column needs, and bars are bars. */
function pattern(line: string): RegExp {
  const escaped = line.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&').replaceAll('…', '.*?');
  return new RegExp(`(^|\\n)${escaped}(\\n|$)`);
}
