// A stage in two regions of one account: a store and the functions in each, deployed in order, each pinned in its own store.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readDeployPlan } from '../../src/cli/deploy-plan.ts';
import { type SynthesisedStage, synthStage } from './synth-stage.ts';

let stage: SynthesisedStage;
beforeAll(async () => {
  const account = '111122223333';
  const settings = { account, regions: ['eu-west-1', 'us-east-1'], tags: { team: 'vision' }, keepModels: true };
  stage = await synthStage('staging', { staging: settings }, ['iris']);
}, 180_000);
afterAll(() => stage?.[Symbol.dispose]());

it('is planned as two stores and what follows each', async () => {
  const { stores, stacks } = await readDeployPlan(stage.out);
  expect(stores.map(({ stack, region, signed }) => [stack, region, signed])).toEqual([
    ['glowplug-staging-eu-west-1-store', 'eu-west-1', false],
    ['glowplug-staging-us-east-1-store', 'us-east-1', false],
  ]);
  expect(stacks.map(({ stack, store, deployment, pins }) => [stack, store, deployment, pins.length])).toEqual([
    [
      'glowplug-staging-eu-west-1-functions',
      'glowplug-staging-eu-west-1-store',
      '111122223333/eu-west-1/glowplug-staging-eu-west-1-functions',
      1,
    ],
    [
      'glowplug-staging-us-east-1-functions',
      'glowplug-staging-us-east-1-store',
      '111122223333/us-east-1/glowplug-staging-us-east-1-functions',
      1,
    ],
  ]);
});

it('keeps its models when a stack is deleted, which it cannot be by a slip, and carries its tags', () => {
  const read = (name: string) => JSON.parse(readFileSync(join(stage.out, name), 'utf8'));
  const { artifacts } = read('manifest.json');
  const stack = artifacts['glowplug-staging-eu-west-1-store'];
  expect(stack.properties.terminationProtection).toBe(true);
  const { Resources } = read(stack.properties.templateFile);
  const bucket = Object.values<{ Type: string; DeletionPolicy: string; Properties: { Tags: unknown } }>(Resources).find(
    ({ Type }) => Type === 'AWS::S3::Bucket',
  );
  expect(bucket?.DeletionPolicy).toBe('Retain');
  expect(bucket?.Properties.Tags).toEqual([
    { Key: 'app', Value: 'glowplug' },
    { Key: 'stage', Value: 'staging' },
    { Key: 'team', Value: 'vision' },
  ]);
});
