// glowplug deploy as it is typed: the real app, the real store of the local cloud, and a CDK that only says it deployed.
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployCommand } from '../../src/cli/deploy.ts';
import { readDeployPlan } from '../../src/cli/deploy-plan.ts';
import type { RunCdk } from '../../src/cli/run-cdk.ts';
import { wholeVersion } from '../../src/models/pin.ts';
import { openStore } from '../../src/models/stores/open-store.ts';
import { type LocalCloud, startLocalCloud } from '../../src/testing/index.ts';
import { synthesize } from '../../src/testing/template/synthesize.ts';
import { root } from '../root.ts';
import { runCommand } from './run-command.ts';

describe('glowplug deploy', () => {
  let cloud: LocalCloud;
  /** Synthesised once: what the app is does not change here. */
  let assembly: string;
  beforeAll(async () => {
    assembly = await mkdtemp(join(tmpdir(), 'glowplug-deploy-'));
    await synthesize(root, assembly);
    cloud = await startLocalCloud({ root, publish: false });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', cloud.s3Endpoint);
    vi.stubEnv('AWS_ACCESS_KEY_ID', cloud.credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', cloud.credentials.secretAccessKey);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await cloud?.[Symbol.asyncDispose]();
    await rm(assembly, { recursive: true, force: true });
  });
  const ran: string[] = [];
  afterEach(() => {
    ran.length = 0;
  });

  /** `fail` is asked before each run, and may throw. */
  function cdk(fail: (what: string) => void = () => {}): RunCdk {
    return async (_root, [verb = '', ...args]) => {
      const given = (name: string) => args[args.indexOf(name) + 1] ?? '';
      const stacks = args.filter((arg) => /^glowplug-dev-\w+$/.test(arg));
      const what = [verb, ...stacks].join(' ');
      fail(what);
      ran.push(what);
      if (verb === 'synth') {
        await mkdir(dirname(given('--output')), { recursive: true });
        return await symlink(assembly, given('--output'));
      }
      if (stacks.includes('glowplug-dev-functions')) await everyPinIsWhole(given('--app'), cloud);
      const outputs = Object.fromEntries(stacks.map((stack) => [stack, outputsOf(given('--app'), stack)]));
      await writeFile(given('--outputs-file'), JSON.stringify(outputs));
    };
  }

  const outputsOf = (folder: string, stack: string) => {
    const { Outputs = {} } = JSON.parse(readFileSync(join(folder, `${stack}.template.json`), 'utf8'));
    return Object.fromEntries(Object.keys(Outputs).map((name) => [name, `s3://${cloud.stores[0]}`]));
  };

  it('says what it would do, and with --dry-run does none of it', async () => {
    const { exitCode, stdout } = await runCommand(deployCommand(cdk()), '--dry-run');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Stage dev:\n {2}1\. deploy glowplug-dev-store\n {2}2\. publish iris:/);
    const guide = readFileSync(join(root, 'docs/guide/4-deploy.md'), 'utf8');
    expect(guide).toContain(`\`\`\`text\n${stdout}\`\`\``);
    expect(ran).toEqual(['synth']);
    const { stdout: json } = await runCommand(deployCommand(cdk()), '--dry-run', '--json');
    expect(JSON.parse(json)).toMatchObject({ stage: 'dev', stores: [{ stack: 'glowplug-dev-store', signed: false }] });
  });

  it('does nothing without --yes where nobody can be asked', async () => {
    const { exitCode, stderr } = await runCommand(deployCommand(cdk()));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('glowplug deploy --stage dev --yes');
    expect(ran).toEqual(['synth']);
  });

  it('says that there are no credentials before anything is deployed; a dry run goes on without', async () => {
    const none = { AWS_ACCESS_KEY_ID: '', AWS_CONFIG_FILE: 'none', AWS_SHARED_CREDENTIALS_FILE: 'none' };
    for (const [name, value] of Object.entries(none)) vi.stubEnv(name, value);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    const { exitCode, stderr } = await runCommand(deployCommand(cdk()), '--yes');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/expected AWS credentials, found none: .*\n {2}aws sso login/);
    expect((await runCommand(deployCommand(cdk()), '--dry-run')).exitCode).toBe(0);
    expect(ran).toEqual(['synth', 'synth']);
    vi.stubEnv('AWS_ACCESS_KEY_ID', cloud.credentials.accessKeyId);
  });

  it('fails with CDK, and the next run finishes what was begun: the functions answer', async () => {
    for (const broken of ['synth', 'deploy glowplug-dev-store', 'deploy glowplug-dev-functions']) {
      const { exitCode, stderr } = await runCommand(
        deployCommand(
          cdk((what) => {
            if (what === broken) throw new Error(`no ${what} today`);
          }),
        ),
        '--yes',
      );
      expect(exitCode, broken).toBe(1);
      expect(stderr).toContain(`no ${broken} today`);
    }
    ran.length = 0;
    const { exitCode, stdout, stderr } = await runCommand(deployCommand(cdk()), '--yes');
    expect(stderr).toContain('pinning what the functions use');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`deployed  dev  s3://${cloud.stores[0]}`);
    expect(ran).toEqual(['synth', 'deploy glowplug-dev-store', 'deploy glowplug-dev-functions']);
    const answer = await cloud.function('iris').fetch('/', { method: 'POST', body: request });
    expect(answer.status).toBe(200);
  });

  it('takes no stage that could be a path', async () => {
    const refused = deployCommand(cdk())
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    await expect(refused.parseAsync(['--stage', '../..'], { from: 'user' })).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    });
    expect(ran).toEqual([]);
  });
});

const request = readFileSync(join(root, 'functions/iris/request.json'), 'utf8');

async function everyPinIsWhole(folder: string, cloud: LocalCloud): Promise<void> {
  const store = await openStore({ ...cloud, store: `s3://${cloud.stores[0]}` });
  const pins = (await readDeployPlan(folder)).stacks.flatMap((stack) => stack.pins);
  expect(pins.length).toBeGreaterThanOrEqual(4);
  for (const { model, digest } of pins) await wholeVersion(store, model, digest);
}
