// QualityMonitor: who may read and write what is captured, when the job runs, and when its alarms are on.
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InferenceFunction, ModelStore, QualityMonitor, type QualityMonitorProps } from '../../src/cdk/index.ts';
import { makeBaseline } from '../../src/quality/baseline.ts';
import { readTemplate } from '../../src/testing/template/template.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { isAllowed, statementsOf } from './policy.ts';

describe('QualityMonitor', () => {
  let template: Template;
  beforeAll(() => {
    template = synth({ accuracyAtLeast: 0.9 }).template;
  });

  /** Whether the role of the function whose logical id matches may do it to an object of the bucket. */
  const may = (of: Template, who: RegExp) => {
    const [, found] = Object.entries(of.findResources('AWS::Lambda::Function')).find(([id]) => who.test(id)) ?? [];
    const statements = statementsOf(of, found?.['Properties'].Role['Fn::GetAtt'][0]);
    const [bucket = ''] = Object.keys(of.findResources('AWS::S3::Bucket')).filter((id) => /Kept/.test(id));
    return (action: string, key?: string) =>
      isAllowed(statements, { action, resource: `<${bucket}.Arn>${key === undefined ? '' : `/${key}`}` });
  };

  it('lets the function write its own records, and read none, nor list them', () => {
    const function_ = may(template, /^Sort/);
    expect(function_('s3:PutObject', 'captured/sort/2026-11-25/07/a.json')).toBe(true);
    expect(function_('s3:PutObject', 'captured/other/2026-11-25/07/a.json')).toBe(false);
    expect(function_('s3:PutObject', 'truth/sort/a.jsonl')).toBe(false);
    for (const action of ['s3:GetObject', 's3:DeleteObject']) {
      expect(function_(action, 'captured/sort/2026-11-25/07/a.json')).toBe(false);
    }
    expect(function_('s3:ListBucket')).toBe(false);
  });

  it('lets the job read records and labels and write reports, and nothing else', () => {
    const job = may(template, /Job/);
    expect(job('s3:ListBucket')).toBe(true);
    for (const key of ['captured/sort/2026-11-25/07/a.json', 'truth/sort/a.jsonl']) {
      expect(job('s3:GetObject', key)).toBe(true);
      for (const action of ['s3:PutObject', 's3:DeleteObject']) expect(job(action, key)).toBe(false);
    }
    expect(job('s3:PutObject', 'reports/sort/2026-11-25T07:00Z.json')).toBe(true);
    expect(job('s3:GetObject', 'captured/other/2026-11-25/07/a.json')).toBe(false);
  });

  it('keeps records encrypted, private and for thirty days, each written once', () => {
    const [, bucket] = Object.entries(template.findResources('AWS::S3::Bucket')).find(([id]) => /Kept/.test(id)) ?? [];
    expect(bucket?.['Properties']).toMatchObject({
      BucketEncryption: expect.anything(),
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      LifecycleConfiguration: { Rules: [{ ExpirationInDays: 30, Status: 'Enabled' }] },
    });
    const [, policy] =
      Object.entries(template.findResources('AWS::S3::BucketPolicy')).find(([id]) => /Kept/.test(id)) ?? [];
    expect(JSON.stringify(policy)).toContain('"s3:if-none-match":"true"');
  });

  it('runs every hour, and rings when features drift twice in a row, or accuracy is surely lower', () => {
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 hour)', State: 'ENABLED' });
    const all = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
    expect(all.map(({ MetricName }) => MetricName).sort()).toEqual(['AccuracyAtMost', 'Drifting', 'Errors']);
    const alarms = all.filter(({ MetricName }) => MetricName !== 'Errors');
    expect(
      alarms.map(({ MetricName, Threshold, EvaluationPeriods, Period, ComparisonOperator, Dimensions }) => ({
        MetricName,
        Threshold,
        EvaluationPeriods,
        Period,
        ComparisonOperator,
        Dimensions,
      })),
    ).toEqual([
      {
        MetricName: 'Drifting',
        Threshold: 0,
        EvaluationPeriods: 2,
        Period: 3600,
        ComparisonOperator: 'GreaterThanThreshold',
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: expect.stringContaining('QualityJob') } }],
      },
      {
        MetricName: 'AccuracyAtMost',
        Threshold: 0.9,
        EvaluationPeriods: 2,
        Period: 3600,
        ComparisonOperator: 'LessThanThreshold',
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: expect.stringContaining('QualityJob') } }],
      },
    ]);
  });

  it('only captures while there is no baseline, and refuses accuracy that nothing is held against', () => {
    const { template: first } = synth({}, 'none');
    expect(first.findResources('AWS::CloudWatch::Alarm')).toEqual({});
    expect(Object.keys(first.findResources('AWS::Lambda::Function')).filter((id) => /Job/.test(id))).toEqual([]);
    expect(may(first, /^Sort/)('s3:PutObject', 'captured/sort/2026-11-25/07/a.json')).toBe(true);
    expect(() => synth({ accuracyAtLeast: 0.9 }, 'without prediction')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('--prediction') }),
    );
  });

  it('is clean under AwsSolutions, and the local cloud runs its job by its schedule', async () => {
    const { out } = synth({ accuracyAtLeast: 0.9 }, 'whole', true);
    const { functions, schedules } = await readTemplate(out, { region: 'us-east-1', account: '000000000000' });
    expect(functions.map(({ name }) => name)).toEqual(['sort', 'sort-quality']);
    expect(schedules).toMatchObject([{ expression: 'rate(1 hour)', target: expect.stringContaining('Job') }]);
  });
});

const projects: Disposable[] = [];
afterAll(() => {
  for (const project of projects) project[Symbol.dispose]();
});

function synth(
  props: Partial<QualityMonitorProps>,
  baseline: 'whole' | 'without prediction' | 'none' = 'whole',
  whole = false,
) {
  const project = fixtureProject();
  projects.push(project);
  const records = [{ requestId: 'a', at: '', features: { class: 'x' } }];
  const made = makeBaseline(records, baseline === 'whole' ? 'class' : undefined);
  if (baseline !== 'none') project.write('functions/sort/baseline.json', JSON.stringify(made));
  const out = join(project.root, 'cdk.out');
  const app = new App({ outdir: out, context: { 'aws:cdk:disable-asset-staging': !whole } });
  const stack = new Stack(app, 'Functions');
  const store = new ModelStore(stack, 'ModelStore');
  const of = new InferenceFunction(stack, 'Sort', { entry: project.entry('sort'), store });
  new QualityMonitor(stack, 'Quality', { function: of, ...props });
  if (whole) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    app.synth();
  }
  return { template: Template.fromStack(stack), out };
}
