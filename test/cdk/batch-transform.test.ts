// BatchTransform: what its machine does with which objects, and what it and the function may do.
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { isTransformEvent } from '../../src/adapters/transform-event.ts';
import { BatchTransform, type BatchTransformProps, InferenceFunction, ModelStore } from '../../src/cdk/index.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { isDenied } from './conditional-writes.ts';
import { isAllowed, statementsOf, text } from './policy.ts';

describe('BatchTransform', () => {
  let template: Template;
  beforeAll(() => {
    template = synth();
  });

  it('lists the prefix, sixteen objects an invocation, ten invocations at once, and says which batches failed', () => {
    expect(machine(template)).toMatchObject({
      Type: 'Map',
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
      ItemReader: { Resource: expect.stringContaining(':states:::s3:listObjectsV2'), Parameters: { Prefix: '2026/' } },
      ItemBatcher: { MaxItemsPerBatch: 16 },
      MaxConcurrency: 10,
      ToleratedFailurePercentage: 10,
      ResultWriter: { Parameters: { Prefix: 'Scans/batches' } },
    });
  });

  it('tries every failed batch five times, and gives the function an event that it knows', () => {
    const { Retry, Parameters, Resource } = machine(template).ItemProcessor.States.Answer;
    expect(Resource).toContain('SortFunctionAliaslive');
    expect(Retry).toEqual([
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, MaxAttempts: 5, BackoffRate: 2, MaxDelaySeconds: 60 },
    ]);
    const { 'retry.$': retry, 'items.$': items, ...rest } = Parameters;
    expect([retry, items]).toEqual(['$$.State.RetryCount', '$.Items']);
    const event = { ...rest, retry: 0, items: [{ Key: '2026/a.png', Size: 3 }] };
    expect(isTransformEvent(event)).toBe(true);
    expect(event.transform).toMatchObject({ path: '/', retries: 5 });
    expect(event.transform.from).toMatch(/^s3:\/\/<In\w+>\/2026$/);
    expect(event.transform.to).toMatch(/^s3:\/\/<ScansResults\w+>\/Scans$/);
  });

  it('takes what its owner chooses', () => {
    const chosen = machine(synth({ batchSize: 3, maxConcurrency: 2, retries: 1, toleratedFailures: 0, path: '/v2/x' }));
    expect(chosen).toMatchObject({ ItemBatcher: { MaxItemsPerBatch: 3 }, MaxConcurrency: 2 });
    expect(chosen.ItemProcessor.States.Answer).toMatchObject({
      Retry: [{ MaxAttempts: 1 }],
      Parameters: { transform: { retries: 1, path: '/v2/x' } },
    });
  });

  it('lets the function read the prefix and write results and failures, and nothing else', () => {
    const of = Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => /^Sort/.test(id));
    const statements = statementsOf(template, of?.[1]['Properties'].Role['Fn::GetAtt'][0]);
    const [input, output] = [bucketId(template, /^In/), bucketId(template, /^ScansResults/)];
    const may = (action: string, resource: string) => isAllowed(statements, { action, resource });
    expect(may('s3:GetObject', `<${input}.Arn>/2026/deep/a.png`)).toBe(true);
    expect(may('s3:GetObject', `<${input}.Arn>/2025/a.png`)).toBe(false);
    expect(may('s3:PutObject', `<${input}.Arn>/2026/a.png`)).toBe(false);
    expect(may('s3:PutObject', `<${output}.Arn>/Scans/results/a.png`)).toBe(true);
    expect(may('s3:PutObject', `<${output}.Arn>/Scans/failures/a.png.json`)).toBe(true);
    expect(may('s3:PutObject', `<${output}.Arn>/Scans/batches/a`)).toBe(false);
    expect(may('s3:DeleteObject', `<${output}.Arn>/Scans/results/a.png`)).toBe(false);
  });

  it('lets the machine list the prefix, write its batches and call this function: no object is its business', () => {
    const [role = ''] = Object.keys(template.findResources('AWS::IAM::Role')).filter((id) => /^ScansMachine/.test(id));
    const statements = statementsOf(template, role);
    const [input, output] = [bucketId(template, /^In/), bucketId(template, /^ScansResults/)];
    const may = (action: string, resource: string, context = {}) =>
      isAllowed(statements, { action, resource, context });
    expect(may('s3:ListBucket', `<${input}.Arn>`, { 's3:prefix': '2026/' })).toBe(true);
    expect(may('s3:ListBucket', `<${input}.Arn>`, { 's3:prefix': '2025/' })).toBe(false);
    expect(may('s3:ListBucket', `<${input}.Arn>`)).toBe(false);
    expect(may('s3:GetObject', `<${input}.Arn>/2026/a.png`)).toBe(false);
    expect(may('s3:PutObject', `<${output}.Arn>/Scans/batches/FAILED_0.json`)).toBe(true);
    expect(may('s3:PutObject', `<${output}.Arn>/Scans/results/a.png`)).toBe(false);
    expect(may('lambda:InvokeFunction', '<Another>')).toBe(false);
    expect(statements.flatMap(({ Action }) => [Action ?? []].flat()).filter((one) => one.includes('*'))).toEqual([]);
  });

  it('creates each result once, whoever writes it', () => {
    const policies = Object.entries(template.findResources('AWS::S3::BucketPolicy'));
    const [, policy] = policies.find(([id]) => id.startsWith('ScansResults')) ?? [];
    const statements = policy?.['Properties'].PolicyDocument.Statement;
    expect(isDenied(statements, { key: 'Scans/results/a' })).toBe(true);
    expect(isDenied(statements, { key: 'Scans/failures/a.json' })).toBe(true);
    expect(isDenied(statements, { key: 'Scans/results/a', headers: { 'if-none-match': '*' } })).toBe(false);
    expect(isDenied(statements, { key: 'Scans/batches/manifest.json' })).toBe(false);
  });

  it('is the same machine, and clean under AwsSolutions, in an app with CDK’s newest flags', () => {
    const flags = { '@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2': true };
    expect(() => synth({}, { nag: true })).not.toThrow();
    expect(machine(synth({}, { nag: true, flags }))).toEqual(machine(template));
  });
});

function machine(template: Template) {
  const [found] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  return JSON.parse(text(found?.['Properties'].DefinitionString)).States.Objects;
}

function bucketId(template: Template, pattern: RegExp): string {
  return Object.keys(template.findResources('AWS::S3::Bucket')).find((id) => pattern.test(id)) ?? '';
}

function synth(props: Partial<BatchTransformProps> = {}, { nag = false, flags = {} } = {}): Template {
  using project = fixtureProject();
  const context = { ...flags, 'aws:cdk:disable-asset-staging': true };
  const app = new App({ outdir: join(project.root, 'cdk.out'), context });
  const stack = new Stack(app, 'Functions');
  const store = new ModelStore(stack, 'ModelStore');
  const sort = new InferenceFunction(stack, 'Sort', { entry: project.entry('sort'), store, alias: 'live' });
  const bucket = new Bucket(stack, 'In', { enforceSSL: true });
  new BatchTransform(stack, 'Scans', { function: sort, from: { bucket, prefix: '2026/' }, ...props });
  if (nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    for (const one of [store.bucket, bucket]) {
      Validations.of(one).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    }
    app.synth();
  }
  return Template.fromStack(stack);
}
