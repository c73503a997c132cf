// What production may do, read from its own templates: no action is a wildcard, and every wide resource stands here with its reason.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addChecks } from '../../infra/add-checks.ts';
import { readConfig } from '../../infra/config.ts';
import { addStacks } from '../../infra/stacks/add-stacks.ts';
import { stages } from '../../infra/stages.ts';
import { findFunctions } from '../../src/build/index.ts';
import { variables } from '../../src/core/contract.ts';
import { type Statement, text } from '../cdk/policy.ts';
import { root } from '../root.ts';

/** Actions that AWS allows for * alone, each with why. A new one is a decision, made here. */
const forAnyResource: Readonly<Record<string, string>> = {
  'xray:PutTraceSegments': 'X-Ray has no resources',
  'xray:PutTelemetryRecords': 'X-Ray has no resources',
};

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

describe('production', () => {
  let out: string;
  let resources: [string, Resource][];
  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), 'glowplug-security-'));
    const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
    const app = new App({ outdir: out, context: { ...context, 'aws:cdk:disable-asset-staging': true } });
    const functions = findFunctions(root);
    const names = functions.map(({ name }) => name);
    addStacks(app, readConfig({ 'glowplug:stage': 'prod' }, stages, names), functions);
    await addChecks(app, 'prod');
    app.synth();
    resources = readdirSync(out)
      .filter((name) => name.endsWith('.template.json'))
      .flatMap((name) => Object.entries<Resource>(JSON.parse(readFileSync(join(out, name), 'utf8')).Resources));
  }, 180_000);
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  const allowed = (): Statement[] =>
    resources
      .filter(([, { Type }]) => Type === 'AWS::IAM::Policy')
      .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement)
      .filter(({ Effect }) => Effect === 'Allow');

  it('allows no action by a wildcard', () => {
    const actions = allowed().flatMap(({ Action }) => [Action ?? []].flat());
    expect(actions.length).toBeGreaterThan(10);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  it('allows for every resource only what has none', () => {
    const wide = allowed().filter(({ Resource }) => [Resource].flat().map(text).includes('*'));
    const actions = wide.flatMap(({ Action }) => [Action ?? []].flat());
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !(action in forAnyResource))).toEqual([]);
  });

  it('ends every other wildcard inside one model, or at the versions of one function', () => {
    const partly = allowed()
      .flatMap(({ Resource }) => [Resource].flat().map(text))
      .filter((resource) => resource.includes('*') && resource !== '*');
    expect(partly.length).toBeGreaterThan(0);
    for (const resource of partly) expect(resource).toMatch(/>\/[a-z0-9-]+\/\*$|^<\w+\.Arn>:\*$/);
  });

  it('lets no role write to the store, nor anyone but AWS’s services take a role', () => {
    const actions = allowed().flatMap(({ Action }) => [Action ?? []].flat());
    expect(actions.filter((action) => /^s3:(?!GetObject$)/.test(action))).toEqual([]);
    for (const [, { Type, Properties }] of resources) {
      if (Type !== 'AWS::IAM::Role') continue;
      const { Statement } = Properties['AssumeRolePolicyDocument'] as { Statement: { Principal: object }[] };
      for (const { Principal } of Statement) expect(Object.keys(Principal)).toEqual(['Service']);
    }
  });

  it('puts nothing into an environment but what the contract names, and no secret', () => {
    const known = Object.keys(variables);
    const environments = resources.flatMap(([, { Type, Properties }]) =>
      Type === 'AWS::Lambda::Function' && Properties['Environment']
        ? [(Properties['Environment'] as { Variables: Record<string, unknown> }).Variables]
        : [],
    );
    expect(environments.length).toBeGreaterThan(0);
    for (const environment of environments) {
      expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
      expect(Object.keys(environment).filter((name) => /SECRET|KEY|TOKEN|PASSWORD/.test(name))).toEqual([]);
      expect(JSON.stringify(environment)).not.toMatch(/resolve:(secretsmanager|ssm)/);
    }
  });

  it('demands signed models, keeps them, and asks for a signature at every URL', () => {
    const of = (type: string) => resources.filter(([, { Type }]) => Type === type).map(([, one]) => one);
    expect(of('AWS::S3::Bucket')).toMatchObject([
      { DeletionPolicy: 'Retain', Metadata: { 'glowplug:store': { signed: true } } },
    ]);
    for (const url of of('AWS::Lambda::Url')) expect(url.Properties['AuthType']).toBe('AWS_IAM');
  });
});
