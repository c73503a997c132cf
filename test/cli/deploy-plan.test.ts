// What glowplug deploy pins for an endpoint, whose image is built only when it is deployed: prune must not take its models.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeployPlan } from '../../src/cli/deploy-plan.ts';

describe('the plan of a deployment', () => {
  let folder: string;
  const write = async (file: string, value: unknown) => await writeFile(join(folder, file), JSON.stringify(value));
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'glowplug-plan-'));
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  it('pins what the template of an endpoint names', async () => {
    const stack = { type: 'aws:cloudformation:stack' };
    await write('manifest.json', {
      artifacts: {
        Store: { ...stack, properties: { templateFile: 'store.json' } },
        Endpoint: { ...stack, properties: { templateFile: 'endpoint.json' }, dependencies: ['Store'] },
      },
    });
    const store = { 'glowplug:store': { output: 'Location', signed: false } };
    await write('store.json', { Resources: { Bucket: { Type: 'AWS::S3::Bucket', Metadata: store } } });
    const pins = [{ model: 'iris', version: '1.0.0', digest: `sha256:${'0'.repeat(64)}` }];
    const Task = { Type: 'AWS::ECS::TaskDefinition', Metadata: { 'glowplug:pins': pins } };
    await write('endpoint.json', { Resources: { Task, Role: { Type: 'AWS::IAM::Role' } } });
    expect((await readDeployPlan(folder)).stacks).toMatchObject([{ stack: 'Endpoint', store: 'Store', pins }]);
  });
});
