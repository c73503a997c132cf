// `largeBodies` of an InferenceFunction: a bucket that its function alone gives links to, and that forgets.
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { InferenceFunction, ModelStore } from '../../src/cdk/index.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { isDenied } from './conditional-writes.ts';

it('has a bucket of its own, may use one prefix of it, and leaves nothing there for longer than a day', () => {
  using project = fixtureProject();
  const template = Template.fromStack(build(project).stack);
  template.hasResourceProperties('AWS::S3::Bucket', {
    LifecycleConfiguration: {
      Rules: [Match.objectLike({ ExpirationInDays: 1, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } })],
    },
    PublicAccessBlockConfiguration: Match.objectLike({ BlockPublicAcls: true, RestrictPublicBuckets: true }),
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: {
      Variables: { GLOWPLUG_LARGE_BODIES: { 'Fn::Join': ['', ['s3://', { Ref: Match.anyValue() }, '/bodies']] } },
    },
  });
  const statements = Object.values(template.findResources('AWS::IAM::Policy'))
    .flatMap((policy) => policy['Properties'].PolicyDocument.Statement)
    .filter(({ Action }) => [Action].flat().includes('s3:PutObject'));
  expect(statements).toEqual([
    {
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:GetObject'],
      Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': [expect.stringContaining('Bodies'), 'Arn'] }, '/bodies/*']] },
    },
  ]);
  const [, policy] =
    Object.entries(template.findResources('AWS::S3::BucketPolicy')).find(([id]) => id.includes('Bodies')) ?? [];
  const own = policy?.['Properties'].PolicyDocument.Statement;
  expect(isDenied(own, { key: 'bodies/uploads/0' })).toBe(true);
  expect(isDenied(own, { key: 'bodies/uploads/0', headers: { 'if-none-match': '*' } })).toBe(false);
});

it('is clean under AwsSolutions', () => {
  using project = fixtureProject();
  const { app } = build(project);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  expect(() => app.synth()).not.toThrow();
});

it('is not there unless it is asked for', () => {
  using project = fixtureProject();
  const template = Template.fromStack(build(project, false).stack);
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { GLOWPLUG_LARGE_BODIES: Match.absent() } },
  });
});

function build(project: ReturnType<typeof fixtureProject>, largeBodies = true) {
  const context = { 'aws:cdk:disable-asset-staging': true };
  const app = new App({ outdir: join(project.root, 'cdk.out'), context });
  const stack = new Stack(app, 'Functions');
  const store = new ModelStore(stack, 'ModelStore');
  // The app's own decision, not the construct's.
  Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
  new InferenceFunction(stack, 'Sort', { entry: project.entry('sort'), store, largeBodies });
  return { app, stack };
}
