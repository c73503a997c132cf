// A stage in two regions of one account: a store and the functions in each, deployed in order, each pinned in its own store.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addChecks } from '../../infra/add-checks.ts';
import { readConfig } from '../../infra/config.ts';
import { addStacks } from '../../infra/stacks/add-stacks.ts';
import { findFunctions } from '../../src/build/index.ts';
import { readDeployPlan } from '../../src/cli/deploy-plan.ts';
import { root } from '../root.ts';

let out: string;
beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), 'glowplug-regions-'));
  const settings = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
  const context = { ...settings.context, 'aws:cdk:disable-asset-staging': true };
  const app = new App({ outdir: out, context });
  const prod = { account: '111122223333', regions: ['eu-west-1', 'us-east-1'], tags: { team: 'vision' } };
  const functions = findFunctions(root).filter(({ name }) => name === 'iris');
  const config = readConfig({ 'glowplug:stage': 'prod' }, { dev: {}, staging: {}, prod }, ['iris']);
  addStacks(app, config, functions);
  await addChecks(app, config.stage);
  app.synth();
}, 180_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

it('is planned as two stores and what follows each', async () => {
  const { stores, stacks } = await readDeployPlan(out);
  expect(stores.map(({ stack, region, signed }) => [stack, region, signed])).toEqual([
    ['glowplug-prod-eu-west-1-store', 'eu-west-1', true],
    ['glowplug-prod-us-east-1-store', 'us-east-1', true],
  ]);
  expect(stacks.map(({ stack, store, deployment, pins }) => [stack, store, deployment, pins.length])).toEqual([
    [
      'glowplug-prod-eu-west-1-functions',
      'glowplug-prod-eu-west-1-store',
      '111122223333/eu-west-1/glowplug-prod-eu-west-1-functions',
      1,
    ],
    [
      'glowplug-prod-us-east-1-functions',
      'glowplug-prod-us-east-1-store',
      '111122223333/us-east-1/glowplug-prod-us-east-1-functions',
      1,
    ],
  ]);
});

it('keeps its models when a stack is deleted, which it cannot be by a slip, and carries its tags', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8'));
  const { artifacts } = read('manifest.json');
  const stack = artifacts['glowplug-prod-eu-west-1-store'];
  expect(stack.properties.terminationProtection).toBe(true);
  const { Resources } = read(stack.properties.templateFile);
  const bucket = Object.values<{ Type: string; DeletionPolicy: string; Properties: { Tags: unknown } }>(Resources).find(
    ({ Type }) => Type === 'AWS::S3::Bucket',
  );
  expect(bucket?.DeletionPolicy).toBe('Retain');
  expect(bucket?.Properties.Tags).toEqual([
    { Key: 'app', Value: 'glowplug' },
    { Key: 'stage', Value: 'prod' },
    { Key: 'team', Value: 'vision' },
  ]);
});
