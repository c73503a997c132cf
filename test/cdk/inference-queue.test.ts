// `queue` of an InferenceFunction: what it makes, what it allows, and that the local cloud would run it.
import { join } from 'node:path';
import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { InferenceFunction, type InferenceQueueProps, ModelStore } from '../../src/cdk/index.ts';
import { readTemplate } from '../../src/testing/template/template.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { isDenied } from './conditional-writes.ts';

describe('an InferenceFunction with a queue', () => {
  let template: Template;
  beforeAll(() => {
    template = synthesise({}).template;
  });

  it('has a queue that tries a record five times, for six timeouts each, and then keeps it for 14 days', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 180,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        deadLetterTargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetters'), 'Arn'] },
        maxReceiveCount: 5,
      },
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 1_209_600,
      RedrivePolicy: Match.absent(),
    });
  });

  it('rings while something lies in the dead-letter queue', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [
        { Name: 'QueueName', Value: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetters'), 'QueueName'] } },
      ],
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      AlarmDescription: Match.stringLikeRegexp('^sort: .*redrive'),
    });
  });

  it('takes ten records at a time, and only those that it reports come back', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumBatchingWindowInSeconds: Match.absent(),
      ScalingConfig: Match.absent(),
    });
  });

  it('takes what its owner chooses', () => {
    const queue = {
      batchSize: 500,
      maxBatchingWindow: Duration.seconds(2),
      maxConcurrency: 4,
      maxReceiveCount: 9,
      keepResults: Duration.days(60),
    };
    const chosen = synthesise(queue).template;
    chosen.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 500,
      MaximumBatchingWindowInSeconds: 2,
      ScalingConfig: { MaximumConcurrency: 4 },
    });
    chosen.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 182, RedrivePolicy: { maxReceiveCount: 9 } });
    chosen.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 60 })] },
    });
    synthesise({ fifo: true }).template.hasResourceProperties('AWS::SQS::Queue', {
      FifoQueue: true,
      RedrivePolicy: {},
    });
  });

  it('writes each result once: the bucket refuses a put that could replace one', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: { GLOWPLUG_RESULTS: { 'Fn::Join': ['', ['s3://', { Ref: Match.anyValue() }, '/results']] } },
      },
    });
    const policies = Object.entries(template.findResources('AWS::S3::BucketPolicy'));
    const [, policy] = policies.find(([id]) => id.includes('Results')) ?? [];
    const statements = policy?.['Properties'].PolicyDocument.Statement;
    expect(isDenied(statements, { key: 'results/m/1' })).toBe(true);
    expect(isDenied(statements, { key: 'results/m/1', headers: { 'if-none-match': '*' } })).toBe(false);
  });

  it('may use its queue, write and read its results, and tell the result queue: nothing more', () => {
    const { template } = synthesise({}, { resultQueue: true });
    const statements = Object.values(template.findResources('AWS::IAM::Policy'))
      .flatMap((policy) => policy['Properties'].PolicyDocument.Statement)
      .filter(({ Action }) => /^(sqs|s3:Put)/.test([Action].flat()[0]));
    const byAction = statements.sort((a, b) => (`${a.Action}` < `${b.Action}` ? -1 : 1));
    expect(byAction).toEqual([
      {
        Effect: 'Allow',
        Action: ['s3:PutObject', 's3:GetObject'],
        Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': [expect.stringContaining('Results'), 'Arn'] }, '/results/*']] },
      },
      {
        Effect: 'Allow',
        Action: [
          'sqs:ReceiveMessage',
          'sqs:ChangeMessageVisibility',
          'sqs:GetQueueUrl',
          'sqs:DeleteMessage',
          'sqs:GetQueueAttributes',
        ],
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^SortQueue/), 'Arn'] },
      },
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^Told/), 'Arn'] },
      },
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^SortQueue/), 'Arn'] },
      },
    ]);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          GLOWPLUG_QUEUE: { Ref: Match.stringLikeRegexp('^SortQueue') },
          GLOWPLUG_RESULT_QUEUE: { Ref: Match.stringLikeRegexp('^Told') },
        },
      },
    });
  });

  it('is clean under AwsSolutions', () => {
    expect(() => synthesise({}, { nag: true })).not.toThrow();
  });

  it('runs in the local cloud as it is', async () => {
    using project = fixtureProject();
    const { app } = build(project, { maxConcurrency: 3 }, { entry: 'plain', staged: true });
    const { directory } = app.synth();
    const read = await readTemplate(directory, {
      region: 'us-east-1',
      account: '000000000000',
      endpoint: 'http://here',
    });
    expect(read).toMatchObject({
      skipped: [],
      queues: [{ attributes: { MessageRetentionPeriod: '1209600' } }, { attributes: { VisibilityTimeout: '180' } }],
      eventSources: [{ functionName: 'plain', batchSize: 10, reportsFailures: true, maximumConcurrency: 3 }],
      functions: [{ environment: { GLOWPLUG_RESULTS: expect.stringMatching(/^s3:\/\/[\w-]+\/results$/) } }],
    });
    expect(read.eventSources[0]?.queueArn).toBe(read.queues[1]?.arn);
  });
});

interface Setting {
  readonly nag?: boolean;
  readonly resultQueue?: boolean;
  readonly entry?: string;
  /** Copies the code beside the template, as the CLI would. */
  readonly staged?: boolean;
}

function synthesise(queue: InferenceQueueProps, setting: Setting = {}): { template: Template } {
  using project = fixtureProject();
  const { app, stack, store } = build(project, queue, setting);
  if (setting.nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // The app's own decision, not the construct's.
    Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    app.synth();
  }
  return { template: Template.fromStack(stack) };
}

function build(project: ReturnType<typeof fixtureProject>, queue: InferenceQueueProps, setting: Setting = {}) {
  const context = setting.staged ? {} : { 'aws:cdk:disable-asset-staging': true };
  const app = new App({ outdir: join(project.root, 'cdk.out'), context });
  const stack = new Stack(app, 'Functions');
  const store = new ModelStore(stack, 'ModelStore');
  const told = setting.resultQueue ? { resultQueue: new Queue(stack, 'Told') } : {};
  new InferenceFunction(stack, 'Sort', {
    entry: project.entry(setting.entry ?? 'sort'),
    store,
    queue: { ...queue, ...told },
  });
  return { app, stack, store };
}
