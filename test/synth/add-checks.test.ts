// Who is held to AwsSolutions: everybody but the local cloud, and it in stage dev alone.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { afterEach, expect, it, vi } from 'vitest';
import { addChecks } from '../../infra/add-checks.ts';
import { type Stage, stageNames } from '../../infra/config.ts';

afterEach(() => vi.unstubAllEnvs());

it.each(stageNames)('a bucket without an access log is found in stage %s', async (stage) => {
  vi.stubEnv('CDK_VALIDATION', undefined);
  expect(await findings(stage)).toContain('AwsSolutions-S1');
});

it('CDK_VALIDATION=false, which the local cloud sets, leaves the checks out of dev alone', async () => {
  vi.stubEnv('CDK_VALIDATION', 'false');
  expect(await findings('dev')).toEqual([]);
  expect(await findings('staging')).toContain('AwsSolutions-S1');
  expect(await findings('prod')).toContain('AwsSolutions-S1');
});

async function findings(stage: Stage): Promise<string[]> {
  const outdir = mkdtempSync(join(tmpdir(), 'glowplug-checks-'));
  const exitCode = process.exitCode;
  vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    const app = new App({ outdir, analyticsReporting: false });
    new Bucket(new Stack(app, 'Store'), 'Bucket');
    await addChecks(app, stage);
    try {
      app.synth();
    } catch {
      // It throws for what it found; the report says what.
    }
    const report = join(outdir, 'validation-report.json');
    // Where nobody checks there is none.
    return existsSync(report) ? (readFileSync(report, 'utf8').match(/AwsSolutions-S1\b/g) ?? []) : [];
  } finally {
    process.exitCode = exitCode;
    vi.restoreAllMocks();
    rmSync(outdir, { recursive: true, force: true });
  }
}
