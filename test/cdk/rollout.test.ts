// Rollouts as constructs: what starts them, what ends them, and what each of their roles may do.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Alarm, AlarmRule, AlarmState, CompositeAlarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleOp } from '../../src/build/bundle-op.ts';
import {
  ChannelRollout,
  type ChannelRolloutProps,
  InferenceFunction,
  ModelStore,
  Rollout,
  type RolloutProps,
} from '../../src/cdk/index.ts';
import { readIndex } from '../../src/models/model-index.ts';
import { publish } from '../../src/models/publish.ts';
import { resolve } from '../../src/models/resolve.ts';
import { shareOf } from '../../src/models/share.ts';
import { tag } from '../../src/models/tag.ts';
import { answerRollout, type RolloutEvent } from '../../src/ops/rollout/handler.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { tinyVersion } from '../models/tiny-version.ts';
import { memoryStore } from '../versions/memory-store.ts';
import { isAllowed, statementsOf } from './policy.ts';
import { runStateMachine } from './run-state-machine.ts';

describe('Rollout', () => {
  let template: Template;
  beforeAll(() => {
    template = synth();
  });

  it('gives 10 % for five minutes, and goes back at an alarm or a failure', () => {
    template.hasResourceProperties('AWS::CodeDeploy::DeploymentGroup', {
      DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
      AutoRollbackConfiguration: { Enabled: true, Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
      AlarmConfiguration: { Enabled: true, Alarms: Match.anyValue() },
    });
    template.hasResource('AWS::Lambda::Alias', {
      UpdatePolicy: { CodeDeployLambdaAliasUpdate: { BeforeAllowTrafficHook: Match.anyValue() } },
    });
  });

  it('counts as the rule says: a share of the requests, and of enough of them', () => {
    const [errors] = Object.values(template.findResources('AWS::CloudWatch::Alarm')).filter(({ Properties }) =>
      Properties.AlarmDescription.includes('fail'),
    );
    const { Metrics, ...rule } = errors!['Properties'];
    expect(rule).toMatchObject({ Threshold: 0.02, EvaluationPeriods: 1, DatapointsToAlarm: 1 });
    const [{ Expression }] = Metrics;
    expect(Expression).toBe('IF(FILL(all, 0) >= 20, MAX([FILL(refused, 0), FILL(crashed, 0)]) / all, 0)');
    const names = Metrics.flatMap((one: { MetricStat?: { Metric: { MetricName: string } } }) =>
      one.MetricStat ? [one.MetricStat.Metric.MetricName] : [],
    );
    expect(names.sort()).toEqual(['Errors', 'Invocations', 'Url5xxCount']);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { ExtendedStatistic: 'p99', Threshold: 15_000 });
  });

  it('tries the golden samples against exactly the version that is to come', () => {
    const [hookId = ''] = Object.keys(template.findResources('AWS::Lambda::Function')).filter((id) => /Hook/.test(id));
    const hook = template.findResources('AWS::Lambda::Function')[hookId]!['Properties'];
    const version = hook.Environment.Variables.GLOWPLUG_HOOK_TARGET;
    expect(version.Ref).toMatch(/CurrentVersion/);
    const statements = statementsOf(template, hook.Role['Fn::GetAtt'][0]);
    const may = (action: string, resource: string) => isAllowed(statements, { action, resource });
    expect(may('lambda:InvokeFunction', `<${version.Ref}>`)).toBe(true);
    expect(may('lambda:InvokeFunction', '<Another>')).toBe(false);
    const [group = ''] = Object.keys(template.findResources('AWS::CodeDeploy::DeploymentGroup'));
    expect(JSON.stringify(statements)).toContain(group);
  });

  it('has no hook where no golden sample lies beside the function, or when it is told so', () => {
    for (const without of [synth({}, { sample: false }), synth({ golden: false })]) {
      expect(Object.keys(without.findResources('AWS::Lambda::Function')).filter((id) => /Hook/.test(id))).toEqual([]);
    }
    expect(() => synth({ golden: true }, { sample: false })).toThrow(/expected a golden sample beside/);
  });

  it('refuses a function without an alias, and names the remedy', () => {
    expect(() => synth({}, { alias: false })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining("alias: 'live'") }),
    );
  });

  it('is clean under AwsSolutions, the channel’s included', () => {
    expect(() => synth({}, { channel: {}, nag: true })).not.toThrow();
  });
});

describe('ChannelRollout', () => {
  let template: Template;
  beforeAll(() => {
    template = synth({}, { channel: {} });
  });

  it('looks at the alarms before each step, and watches between them', () => {
    const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
    const text = machine?.['Properties'].DefinitionString['Fn::Join'][1]
      .map((part: unknown) => (typeof part === 'string' ? part : 'TOKEN'))
      .join('');
    const { StartAt, States } = JSON.parse(text);
    expect([StartAt, States.Begin.Next, States.Look.Next, States.Shift.Next]).toEqual([
      'Begin',
      'Look',
      'Shift',
      'Whether',
    ]);
    expect(States.Watch).toMatchObject({ Seconds: 300, Next: 'Look' });
    expect(States.Look.Resource).toContain(':states:::aws-sdk:cloudwatch:describeAlarms');
    expect(States.Look.Parameters.AlarmNames).toHaveLength(2);
    expect(States.Look.ResultSelector).toEqual({ 'names.$': "$.MetricAlarms[?(@.StateValue=='ALARM')].AlarmName" });
    // Who cannot see goes back.
    expect(States.Look.Catch[0].Next).toBe('Blind');
    expect(States.Blind).toMatchObject({ Next: 'Shift', ResultPath: '$.alarms' });
    expect(States.Shift.Parameters).toMatchObject({
      from: 'candidate',
      to: 'prod',
      steps: [10, 50],
      'execution.$': '$',
    });
    expect(States.Whether.Default).toBe('WentBack');
    expect(States.WentBack.Type).toBe('Fail');
  });

  it.each([
    ['ends with all of the requests, where no alarm is on', [], '2.0.0', 'SUCCEEDED', [10, 50]],
    ['goes back at an alarm, and fails', [[], ['errors']], '1.0.0', 'FAILED', [10]],
    ['goes back where the alarms cannot be read', [[], 'denied'], '1.0.0', 'FAILED', [10]],
    ['begins nothing while an alarm is on', [['errors']], '1.0.0', 'FAILED', []],
  ] as const)('as it is synthesised, %s', async (_what, looks, version, status, shares) => {
    const { store } = memoryStore();
    for (const [version, channel] of [
      ['1.0.0', 'prod'],
      ['2.0.0', 'candidate'],
    ] as const) {
      await publish(store, tinyVersion(version));
      await tag(store, 'tiny', { from: version, to: channel });
    }
    const left = [...looks];
    const seen: number[] = [];
    const ended = await runStateMachine(
      template,
      { model: 'tiny' },
      {
        async task(resource, parameters) {
          if (!resource.endsWith(':describeAlarms')) {
            const host = {
              store: async () => store,
              api: () => {
                throw new Error('no alias is moved here');
              },
            };
            return await answerRollout(parameters as unknown as RolloutEvent, host);
          }
          const look = left.shift() ?? [];
          if (typeof look === 'string') throw new Error(look);
          const MetricAlarms = [{ AlarmName: 'latency', StateValue: 'OK' }].concat(
            look.map((AlarmName) => ({ AlarmName, StateValue: 'ALARM' })),
          );
          return { MetricAlarms };
        },
        async waited(seconds) {
          expect(seconds).toBe(300);
          seen.push(shareOf((await readIndex(store, 'tiny'))!.index, 'candidate')?.percent ?? 0);
        },
      },
    );
    expect([ended.status, seen]).toEqual([status, shares]);
    const { index } = (await readIndex(store, 'tiny'))!;
    expect((await resolve(store, 'tiny:prod')).version).toBe(version);
    expect(shareOf(index, 'candidate')).toBeUndefined();
  });

  it('may move the channels of the function’s models, delete nothing and touch no other model', () => {
    const [step] = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([id]) => /Step/.test(id));
    const statements = statementsOf(template, step?.[1]['Properties'].Role['Fn::GetAtt'][0]);
    const bucket = `<${/"Fn::ImportValue":"([^"]*ModelStoreBucket[^"]*Arn[^"]*)"/.exec(JSON.stringify(template.toJSON()))?.[1]}>`;
    const may = (action: string, key: string) => isAllowed(statements, { action, resource: `${bucket}/${key}` });
    expect(may('s3:PutObject', 'iris/index.json')).toBe(true);
    expect(may('s3:PutObject', 'iris/blobs/sha256/ab')).toBe(true);
    expect(may('s3:GetObject', 'iris/index.json')).toBe(true);
    expect(may('s3:PutObject', 'iris/oci-layout')).toBe(false);
    expect(may('s3:DeleteObject', 'iris/index.json')).toBe(false);
    expect(may('s3:PutObject', 'ppocr-det/index.json')).toBe(false);
    expect(statements.filter(({ Action }) => [Action].flat().includes('lambda:UpdateAlias'))).toHaveLength(1);
  });

  it('refuses to begin what no alarm would stop', () => {
    expect(() => synth({}, { channel: { alarms: [] } })).toThrow(/at least one alarm/);
    const any = Alarm.fromAlarmName(new Stack(), 'Any', 'any');
    const composite = new CompositeAlarm(new Stack(), 'Composite', {
      alarmRule: AlarmRule.fromAlarm(any, AlarmState.ALARM),
    });
    expect(() => synth({}, { channel: { alarms: [any, composite as unknown as IAlarm] } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('fastShort') }),
    );
  });
});

describe('bundleOp', () => {
  it.each(['golden', 'golden-endpoint', 'rollout'] as const)(
    '%s is one file that Lambda can load, the same at every build',
    (op) => {
      using project = fixtureProject();
      const files = { 'samples.json': '[]' };
      const { path, digest } = bundleOp(op, { root: project.root, files });
      expect(bundleOp(op, { root: project.root, files })).toEqual({ path, digest });
      expect(bundleOp(op, { root: project.root }).digest).not.toBe(digest);
      const loaded: unknown = createRequire(import.meta.url)(join(path, 'index.js'));
      expect(loaded).toMatchObject({ handler: expect.any(Function) });
    },
  );
});

interface Setting {
  readonly alias?: boolean;
  readonly sample?: boolean;
  readonly channel?: Partial<ChannelRolloutProps>;
  readonly nag?: boolean;
}

function synth(
  props: Partial<RolloutProps> = {},
  { alias = true, sample = true, channel, nag }: Setting = {},
): Template {
  using project = fixtureProject();
  if (sample) {
    project.write('functions/sort/request.json', '{}');
    project.write('functions/sort/answer.golden.json', '{ "status": 200, "tolerance": 0, "body": {} }');
  }
  const app = new App({
    outdir: join(project.root, 'cdk.out'),
    context: { 'aws:cdk:disable-asset-staging': true, '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  const store = new ModelStore(new Stack(app, 'Store'), 'ModelStore');
  const stack = new Stack(app, 'Functions');
  const of = new InferenceFunction(stack, 'Sort', {
    entry: project.entry('sort'),
    store,
    ...(alias ? { alias: 'live' } : {}),
  });
  const { alarms } = new Rollout(stack, 'Rollout', { function: of, ...props });
  if (channel) new ChannelRollout(stack, 'Channel', { function: of, store, alarms, ...channel });
  if (nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    app.synth();
  }
  return Template.fromStack(stack);
}
