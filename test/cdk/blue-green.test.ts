// Deployments of an endpoint that never sleeps: both sets of targets, who moves requests, and what must be true before.
import { Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { beforeAll, describe, expect, it } from 'vitest';
import { isAllowed, statementsOf, text } from './policy.ts';
import { synthEndpoint } from './synth-endpoint.ts';

describe('blue/green deployments of an endpoint', () => {
  let template: Template;
  beforeAll(() => {
    template = synthEndpoint({ minTargets: 1 }, { golden: true });
  });
  const idOf = (type: string, name: RegExp, of = template) =>
    Object.keys(of.findResources(type)).find((id) => name.test(id))!;
  const service = (of: Template) => Object.values(of.findResources('AWS::ECS::Service'))[0]!;

  it('has the new targets beside the old, moves requests at once, and back at an alarm for ten minutes', () => {
    template.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: {
        Strategy: 'BLUE_GREEN',
        BakeTimeInMinutes: 10,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        Alarms: Match.objectLike({ Enable: true, Rollback: true }),
      },
      LoadBalancers: [
        {
          ContainerName: 'server',
          ContainerPort: 8080,
          TargetGroupArn: { Ref: idOf('AWS::ElasticLoadBalancingV2::TargetGroup', /ListenerTargets/) },
          AdvancedConfiguration: {
            AlternateTargetGroupArn: { Ref: idOf('AWS::ElasticLoadBalancingV2::TargetGroup', /OtherTargets/) },
            ProductionListenerRule: { Ref: idOf('AWS::ElasticLoadBalancingV2::ListenerRule', /BlueGreenRule/) },
            TestListenerRule: { Ref: idOf('AWS::ElasticLoadBalancingV2::ListenerRule', /TestRule/) },
            RoleArn: { 'Fn::GetAtt': [idOf('AWS::IAM::Role', /BlueGreenRole/), 'Arn'] },
          },
        },
      ],
    });
  });

  it('tells of errors soon enough that the old targets are still there', () => {
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
    const errors = alarms.find(([id]) => /Errors/.test(id))![1]['Properties'];
    expect(errors).toMatchObject({ EvaluationPeriods: 3, DatapointsToAlarm: 2 });
    const { BakeTimeInMinutes } = service(template)['Properties'].DeploymentConfiguration;
    expect(BakeTimeInMinutes).toBeGreaterThan(errors.EvaluationPeriods);
  });

  it('has both sets alike', () => {
    const groups = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::TargetGroup'));
    expect(groups).toHaveLength(2);
    expect(groups[0]!['Properties']).toEqual(groups[1]!['Properties']);
  });

  it('tries the golden sample by a listener that the hook alone reaches, before requests move', () => {
    const hook = idOf('AWS::Lambda::Function', /Hook/);
    const role = idOf('AWS::IAM::Role', /BlueGreenInvoker/);
    const properties = template.findResources('AWS::Lambda::Function')[hook]!['Properties'];
    expect(service(template)['Properties'].DeploymentConfiguration.LifecycleHooks).toEqual([
      {
        HookTargetArn: { 'Fn::GetAtt': [hook, 'Arn'] },
        RoleArn: { 'Fn::GetAtt': [role, 'Arn'] },
        LifecycleStages: ['POST_TEST_TRAFFIC_SHIFT'],
      },
    ]);
    // ECS would take the first deployment back if it came before the permission.
    expect(service(template)['DependsOn']).toContain(idOf('AWS::IAM::Policy', /BlueGreenInvokerDefaultPolicy/));
    expect(text(properties.Environment.Variables.GLOWPLUG_HOOK_TARGET)).toMatch(/^http:\/\/<.*DNSName>:8081$/);
    const [, test] = Object.entries(template.findResources('AWS::ElasticLoadBalancingV2::Listener')).find(([id]) =>
      /TestListener/.test(id),
    )!;
    expect(test['Properties']).toMatchObject({ Port: 8081, DefaultActions: [{ Type: 'fixed-response' }] });
    const [group = ''] = properties.VpcConfig.SecurityGroupIds.map(text);
    const reach = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).filter(
      ({ Properties }) => Properties.FromPort === 8081,
    );
    expect(reach.map(({ Properties }) => text(Properties.SourceSecurityGroupId))).toEqual([group]);
  });

  it('lets the hook read the keys of this endpoint, and ECS call the hook', () => {
    const properties =
      template.findResources('AWS::Lambda::Function')[idOf('AWS::Lambda::Function', /Hook/)]!['Properties'];
    const secret = idOf('AWS::SecretsManager::Secret', /ApiKeys/);
    expect(properties.Environment.Variables.GLOWPLUG_API_KEYS_SECRET).toEqual({ Ref: secret });
    const statements = statementsOf(template, properties.Role['Fn::GetAtt'][0]);
    expect(isAllowed(statements, { action: 'secretsmanager:GetSecretValue', resource: `<${secret}>` })).toBe(true);
    expect(isAllowed(statements, { action: 'secretsmanager:GetSecretValue', resource: '<another>' })).toBe(false);
    const byEcs = statementsOf(template, idOf('AWS::IAM::Role', /BlueGreenInvoker/));
    const hook = idOf('AWS::Lambda::Function', /Hook/);
    expect(isAllowed(byEcs, { action: 'lambda:InvokeFunction', resource: `<${hook}.Arn>` })).toBe(true);
    expect(isAllowed(byEcs, { action: 'lambda:InvokeFunction', resource: '<another>' })).toBe(false);
  });

  it('asks without a key behind an API that asks for none', () => {
    const behind = synthEndpoint({ minTargets: 1, front: 'api' }, { golden: true });
    const [, hook] = Object.entries(behind.findResources('AWS::Lambda::Function')).find(([id]) => /Hook/.test(id))!;
    expect(Object.keys(hook['Properties'].Environment.Variables)).toEqual(['GLOWPLUG_HOOK_TARGET']);
  });

  it('has rules that no choice of its owner changes: CloudFormation would move requests to the targets of before', () => {
    const rules = (of: Template) =>
      Object.entries(of.findResources('AWS::ElasticLoadBalancingV2::ListenerRule')).sort(([a], [b]) =>
        a < b ? -1 : 1,
      );
    const golden = { golden: true };
    const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/1';
    const certificate = Certificate.fromCertificateArn(new Stack(), 'Certificate', arn);
    const others = [
      synthEndpoint({ minTargets: 2, maxTargets: 9, spot: true, gpu: 't4', queueMilliseconds: 5 }, golden),
      synthEndpoint({ minTargets: 1, front: 'api', api: { rateLimit: 3 } }, golden),
      synthEndpoint({ minTargets: 1, certificate, memorySize: 30_000 }, golden),
    ];
    for (const other of others) expect(rules(other)).toEqual(rules(template));
    expect(rules(template).map(([, { Properties }]) => [Properties.Priority, Properties.Actions[0].Type])).toEqual([
      [3, 'forward'],
      [3, 'forward'],
    ]);
  });

  it('has no hook and no test listener without a golden sample, or when told so', () => {
    for (const none of [
      synthEndpoint({ minTargets: 1 }),
      synthEndpoint({ minTargets: 1, golden: false }, { golden: true }),
    ]) {
      none.resourceCountIs('AWS::ElasticLoadBalancingV2::Listener', 1);
      none.resourceCountIs('AWS::Lambda::Function', 0);
      none.hasResourceProperties('AWS::ECS::Service', { DeploymentConfiguration: { Strategy: 'BLUE_GREEN' } });
    }
    expect(() => synthEndpoint({ minTargets: 1, golden: true })).toThrow(/expected a golden sample beside/);
  });

  it('is not for an endpoint that sleeps: its targets are replaced one by one', () => {
    const sleeping = synthEndpoint({}, { golden: true });
    sleeping.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: { Strategy: Match.absent(), LifecycleHooks: Match.absent() },
      LoadBalancers: [Match.objectLike({ AdvancedConfiguration: Match.absent() })],
    });
    expect(() => synthEndpoint({ golden: true }, { golden: true })).toThrow(/no golden with minTargets: 0/);
  });

  it('is clean under AwsSolutions', () => {
    expect(() => synthEndpoint({ minTargets: 1 }, { golden: true, nag: true })).not.toThrow();
  });
});
