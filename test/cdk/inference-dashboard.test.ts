// The dashboard: what it shows of each function, its objectives as alarms, and how a rollout uses one of them.
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { expect, it } from 'vitest';
import {
  InferenceDashboard,
  type InferenceDashboardProps,
  InferenceFunction,
  ModelStore,
  QualityMonitor,
  Rollout,
} from '../../src/cdk/index.ts';
import { isStageName } from '../../src/handler/cold-start.ts';
import { makeBaseline } from '../../src/quality/baseline.ts';
import { fixtureProject } from '../build/fixtures/project.ts';

it('shows of each function what its lines tell, and its objectives', () => {
  const { template } = synth();
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = dashboard!['Properties'].DashboardBody['Fn::Join'][1]
    .map((part: unknown) => (typeof part === 'string' ? part : '<token>'))
    .join('');
  const { widgets, start } = JSON.parse(body);
  expect(start).toBe('-P1D');
  expect(widgets.map(({ properties }: { properties: { title?: string } }) => properties.title ?? '')).toEqual([
    '',
    'Objectives',
    'Requests',
    'Errors by code',
    'Duration',
    'Cold starts by stage',
    'Rows of a run',
    'Queue time and run time',
    'Runs by version',
    'Cost, dollars a minute',
  ]);
  for (const text of [
    'MetricName=\\"Errors\\"',
    '{glowplug,FunctionName,Model,Version}',
    '"p99"',
    'CostMicrodollars',
    '"requests"',
    `waited: \${PROP('Dim.Model')}`,
    '"Fetch"',
  ])
    expect(body).toContain(text);
});

it('shows the stages that a cold start has', () => {
  for (const stage of ['boot', 'import', 'resolve', 'fetch', 'verify', 'runtime', 'create', 'warm', 'run'])
    expect(isStageName(stage)).toBe(true);
});

it('has a fast and a slow burn of each objective; they page, and nothing else does', () => {
  const { template, name } = synth({}, true);
  const composites = Object.values(template.findResources('AWS::CloudWatch::CompositeAlarm'));
  const burns = ['14.4 times too fast, for 60', '6 times too fast, for 360'].map(
    (burn) => `: the budget burns ${burn} min and still now`,
  );
  const words = [`99 % of ${name}'s requests take at most 15000 ms`, `99.9 % of ${name}'s requests are answered`];
  expect(composites.map(({ Properties }) => Properties.AlarmDescription).sort()).toEqual(
    words.flatMap((text) => burns.map((burn) => text + burn)),
  );
  for (const { Properties } of composites)
    expect([Properties.AlarmActions.length, Properties.OKActions.length]).toEqual([1, 1]);
  const single = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
  expect(single).toHaveLength(8);
  for (const { Properties } of single) expect(Properties.AlarmActions).toBeUndefined();
});

it('takes objectives of all and of one, and refuses those of a function that is not there', () => {
  const { template, name } = synth({ objectives: { availability: 0.99, latency: Duration.millis(200) } });
  const thresholds = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties }) => Properties.Threshold,
  );
  expect([...new Set(thresholds)].sort()).toEqual([0.06, 0.144]);
  expect(JSON.stringify(template.findResources('AWS::CloudWatch::Alarm'))).toContain('"TC(200:)"');
  const single = synth({ objectives: { availability: 0.99 }, objectivesOf: { [name]: { availability: 0.9999 } } });
  expect(JSON.stringify(single.template.toJSON())).toContain(`99.99 % of ${name}'s requests are answered`);
  expect(() => synth({ objectivesOf: { nobody: {} } })).toThrow(/expected one of .*got nobody/);
});

it('lends a rollout the alarm of its fast burn', () => {
  const { template } = synth({}, false, true);
  const [group] = Object.values(template.findResources('AWS::CodeDeploy::DeploymentGroup'));
  const names = JSON.stringify(group!['Properties'].AlarmConfiguration.Alarms);
  expect(names).toMatch(/AvailabilityFastShort/);
});

it('shows what a monitor finds, and tells of its alarms whom it tells of the others', () => {
  const { template } = synth({}, true, false, true);
  const { Properties } = Object.values(template.findResources('AWS::CloudWatch::Dashboard'))[0]!;
  const body = JSON.stringify(Properties.DashboardBody);
  for (const text of ['Quality of sort', 'Features that drift', 'Captured and labelled']) expect(body).toContain(text);
  for (const id of ['Drift', 'Failing']) expect(body).toMatch(new RegExp(`MonitorQ?\\w*${id}\\w*","Arn`));
  const told = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).filter(
    ([, { Properties }]) => Properties.AlarmActions?.length === 1 && Properties.OKActions?.length === 1,
  );
  expect(told.map(([id]) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual(['MonitorDrift', 'MonitorFailing']);
});

it('shows nothing of a monitor that has no baseline yet, and refuses that of another function', () => {
  expect(JSON.stringify(synth({}, true, false, 'without baseline').template.toJSON())).not.toContain('Quality of sort');
  expect(() => synth({ functions: [] }, false, false, true)).toThrow(/expected a function of this dashboard, got sort/);
});

function synth(
  props: Partial<InferenceDashboardProps> = {},
  pages = false,
  rolls = false,
  monitored: boolean | 'without baseline' = false,
) {
  using project = fixtureProject();
  const entry = project.entry('sort');
  if (monitored === true) {
    const record = { requestId: 'a', at: '', features: { class: 'x' } };
    project.write('functions/sort/baseline.json', JSON.stringify(makeBaseline([record], undefined)));
  }
  const app = new App({ context: { 'aws:cdk:disable-asset-staging': true } });
  const stack = new Stack(app, 'dashboard');
  const store = new ModelStore(new Stack(app, 'store'), 'Store');
  const fn = new InferenceFunction(stack, 'Fn', { entry, store, alias: 'live' });
  const page = pages ? [new Topic(stack, 'Page')] : [];
  const monitors = monitored ? [new QualityMonitor(stack, 'Monitor', { function: fn })] : [];
  const dashboard = new InferenceDashboard(stack, 'Dashboard', { functions: [fn], monitors, page, ...props });
  if (rolls)
    new Rollout(stack, 'Rollout', { function: fn, golden: false, alarms: [dashboard.slos(fn).availability.fastShort] });
  return { template: Template.fromStack(stack), name: fn.bundle.name };
}
