// The app as cdk.json names it, run as the CLI runs it: what it writes, for every stage, and what it says when it cannot.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFunctions } from '../../src/build/index.ts';

const root = join(import.meta.dirname, '../..');
const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));

/** That of this machine: its sharp is installed, so that no registry is needed. */
const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'glowplug-synth-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['dev', 'staging', 'prod'])('the app of stage %s', (stage) => {
  let out: string;
  let run: ReturnType<typeof synth>;
  beforeAll(() => {
    out = join(folder, stage);
    run = synth(out, { 'glowplug:stage': stage, 'glowplug:architecture': architecture });
  });

  it('synthesises, clean under AwsSolutions and CDK’s own rules', () => {
    expect(run).toEqual({ status: 0, stderr: '' });
    const report = JSON.parse(readFileSync(join(out, 'validation-report.json'), 'utf8'));
    const violations = report.pluginReports.flatMap((plugin: { violations: unknown[] }) => plugin.violations);
    expect(violations).toEqual([]);
  });

  it('has a store, and a function with its URL for each folder under functions/', () => {
    const all = template(out, `glowplug-${stage}-functions`);
    const functions = resources(all, 'AWS::Lambda::Function').filter(({ Metadata }) => !Metadata?.['glowplug:op']);
    expect(functions.map((one) => one.Metadata?.['glowplug:function'])).toEqual(
      findFunctions(root).map(({ name }) => name),
    );
    for (const type of ['AWS::Lambda::Url', 'AWS::Lambda::Alias'])
      expect(resources(all, type)).toHaveLength(functions.length);
    const rollouts = stage === 'prod' ? functions.length : 0;
    expect(resources(all, 'AWS::CodeDeploy::DeploymentGroup')).toHaveLength(rollouts);
    for (const one of functions) expect(one.Properties['Architectures']).toEqual([architecture]);
    // Without a key nobody deploys prod, whatever tool they use.
    const { Rules } = JSON.parse(readFileSync(join(out, `glowplug-${stage}-functions.template.json`), 'utf8'));
    expect('SignedModels' in Rules).toBe(stage === 'prod');
    // Off until a stage asks for it.
    expect(JSON.stringify(all)).not.toMatch(/GLOWPLUG_CAPTURE|AWS::SQS|AWS::SNS/);
    const [store] = resources(template(out, `glowplug-${stage}-store`), 'AWS::S3::Bucket');
    expect(store?.DeletionPolicy).toBe(stage === 'prod' ? 'Retain' : 'Delete');
  });

  it('uses no more of CloudFormation’s functions than the local cloud evaluates', () => {
    const used = readdirSync(out)
      .filter((name) => name.endsWith('.template.json'))
      .flatMap((name) => {
        const { Resources, Outputs } = JSON.parse(readFileSync(join(out, name), 'utf8'));
        return JSON.stringify({ Resources, Outputs }).match(/"(Fn::\w+|Ref|Condition)":/g) ?? [];
      });
    const evaluated = ['Ref', 'Fn::GetAtt', 'Fn::Join', 'Fn::Sub', 'Fn::ImportValue', 'Fn::Select', 'Fn::Split'];
    // IAM's statements have a key of their own called Condition.
    const known = [...evaluated, 'Condition'].map((name) => `"${name}":`);
    expect([...new Set(used)].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('names the functions’ code by its content, and holds each zip’s folder', () => {
    const { files } = JSON.parse(readFileSync(join(out, `glowplug-${stage}-functions.assets.json`), 'utf8'));
    const assets = Object.values<{ source: { path: string; packaging: string } }>(files);
    const folders = assets.filter(({ source }) => source.packaging === 'zip').map(({ source }) => source.path);
    expect(folders.length).toBeGreaterThanOrEqual(findFunctions(root).length);
    const written = readdirSync(out);
    for (const path of folders) expect(written).toContain(path);
  });
});

it('a choice that is none is refused with its remedy, and without a stack trace', () => {
  expect(synth(join(folder, 'wrong'), { 'glowplug:stage': 'production' })).toEqual({
    status: 1,
    stderr: [
      'CONFIG_INVALID: context glowplug:stage: expected dev, staging, prod, got "production"',
      'cdk synth -c glowplug:stage=dev, or set it under "context" in cdk.json.\n',
    ].join('\n'),
  });
});

function synth(out: string, chosen: Readonly<Record<string, string>>) {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--conditions=glowplug-source', '--disable-warning=ExperimentalWarning', 'infra/app.ts'],
    {
      cwd: root,
      encoding: 'utf8',
      // Whoever runs this may have credentials; a clone has none.
      env: {
        ...process.env,
        CDK_DEFAULT_ACCOUNT: '',
        CDK_OUTDIR: out,
        CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...chosen }),
      },
    },
  );
  return { status, stderr };
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

function template(out: string, stack: string): Resource[] {
  const { Resources } = JSON.parse(readFileSync(join(out, `${stack}.template.json`), 'utf8'));
  return Object.values(Resources);
}

function resources(all: readonly Resource[], type: string): Resource[] {
  return all.filter(({ Type }) => Type === type);
}
