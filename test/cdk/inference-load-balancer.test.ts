// InferenceLoadBalancer: whom the network lets in, which function answers, and who may call the functions.
import { join } from 'node:path';
import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type IVpc, Peer, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { InferenceFunction, InferenceLoadBalancer, ModelStore } from '../../src/cdk/index.ts';
import { readLoadBalancers } from '../../src/testing/template/load-balancers.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { text } from './policy.ts';

describe('InferenceLoadBalancer', () => {
  let template: Template;
  beforeAll(() => {
    template = synth();
  });
  const all = (of: Template, type: string) => Object.values(of.findResources(type)).map(({ Properties }) => Properties);

  it('has each function below its name, by its alias, with headers as lists and no health checks', () => {
    const rules = all(template, 'AWS::ElasticLoadBalancingV2::ListenerRule');
    const paths = rules.flatMap(({ Conditions }) =>
      Conditions.flatMap((each: { PathPatternConfig: { Values: string[] } }) => each.PathPatternConfig.Values),
    );
    expect(paths.sort()).toEqual(['/plain', '/plain/*', '/sort', '/sort/*']);
    const groups = all(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    expect(groups).toHaveLength(2);
    for (const group of groups) {
      expect(group).toMatchObject({
        TargetType: 'lambda',
        TargetGroupAttributes: expect.arrayContaining([{ Key: 'lambda.multi_value_headers.enabled', Value: 'true' }]),
      });
      expect(group.HealthCheckEnabled).toBeUndefined();
      expect(text(group.Targets[0].Id)).toMatch(/Aliaslive/);
    }
    for (const name of ['Sort', 'Plain']) {
      template.hasResourceProperties('AWS::Lambda::Function', {
        Description: Match.stringLikeRegexp(name.toLowerCase()),
        Environment: { Variables: Match.objectLike({ GLOWPLUG_NAMED_ROUTES: '1' }) },
      });
    }
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      DefaultActions: [
        Match.objectLike({ Type: 'fixed-response', FixedResponseConfig: Match.objectLike({ StatusCode: '404' }) }),
      ],
    });
  });

  it('is inside of the VPC, and lets in its clients alone', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internal' });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', { Protocol: 'HTTP', Port: 80 });
    const inline = all(template, 'AWS::EC2::SecurityGroup').flatMap(
      ({ SecurityGroupIngress = [] }) => SecurityGroupIngress,
    );
    expect(inline).toMatchObject([{ CidrIp: '10.7.0.0/16', FromPort: 80, ToPort: 80 }]);
    expect(all(template, 'AWS::EC2::SecurityGroupIngress')).toMatchObject([
      {
        FromPort: 80,
        ToPort: 80,
        SourceSecurityGroupId: { 'Fn::GetAtt': [expect.stringMatching(/^Shop/), 'GroupId'] },
      },
    ]);
  });

  it('waits as long as the slowest function may take', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      LoadBalancerAttributes: Match.arrayWith([{ Key: 'idle_timeout.timeout_seconds', Value: '180' }]),
    });
  });

  it('lets target groups of this account alone call the functions', () => {
    const permissions = all(template, 'AWS::Lambda::Permission').filter(({ Principal }) =>
      /elasticloadbalancing/.test(Principal),
    );
    expect(permissions).toHaveLength(2);
    for (const { Action, SourceArn } of permissions) {
      expect([Action, text(SourceArn)]).toEqual([
        'lambda:InvokeFunction',
        'arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/*',
      ]);
    }
  });

  it('gives a rule the same priority whatever other functions there are', () => {
    const priority = (of: Template, name: string) =>
      all(of, 'AWS::ElasticLoadBalancingV2::ListenerRule').find(({ Conditions }) =>
        JSON.stringify(Conditions).includes(`"/${name}"`),
      )?.Priority;
    const fewer = synth({ only: 'sort' });
    expect(priority(fewer, 'sort')).toBe(priority(template, 'sort'));
    expect(priority(template, 'sort')).not.toBe(priority(template, 'plain'));
  });

  it('has a name of its own over TLS 1.2 and 1.3, also outside of the VPC, and not without', () => {
    const named = synth({ domain: true, internetFacing: true });
    named.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internet-facing' });
    named.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Protocol: 'HTTPS',
      Port: 443,
      SslPolicy: Match.stringLikeRegexp('TLS13-1-2'),
    });
    named.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'api.example.com.', Type: 'A' });
    expect(() => synth({ internetFacing: true })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('domain') }),
    );
  });

  it('refuses a name that no path has, and a function that streams, with the remedy', () => {
    expect(() => synth({ name: 'Sort/*' })).toThrow(/behind a load balancer to be lower-case .* got Sort\/\*/);
    expect(() => synth({ streaming: true })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('at its URL') }),
    );
  });

  it('is a load balancer that the local cloud reads: every rule reaches its function’s alias', () => {
    const stack = { name: 'Functions', template: JSON.parse(JSON.stringify(template.toJSON())) };
    const deployment = { stacks: [stack], region: 'us-east-1', account: '111122223333' };
    const named = Object.entries(template.findResources('AWS::Lambda::Function')).flatMap(([id, { Metadata }]) =>
      Metadata?.['glowplug:function'] ? [{ name: Metadata['glowplug:function'], functionName: `Functions-${id}` }] : [],
    );
    const { balancers, skipped } = readLoadBalancers(stack, deployment, named);
    expect(skipped).toEqual([]);
    expect(balancers).toMatchObject([{ listener: { protocol: 'http', port: 80 } }]);
    const actions = balancers[0]?.rules.map(({ action }) =>
      action.kind === 'function' ? { ...action, targetGroupArn: '' } : action.status,
    );
    expect(actions).toHaveLength(3);
    expect(actions).toContain(404);
    expect(actions).toContainEqual({
      kind: 'function',
      functionName: 'sort',
      qualifier: 'live',
      targetGroupArn: '',
      lists: true,
    });
  });

  it.each([{}, { domain: true, internetFacing: true, anybody: true }, { domain: true, logged: true }])(
    'is clean under AwsSolutions with %o',
    (setting) => {
      expect(() => synth({ ...setting, nag: true })).not.toThrow();
    },
  );
});

interface Setting {
  readonly name?: string;
  readonly only?: string;
  readonly domain?: boolean;
  readonly internetFacing?: boolean;
  readonly anybody?: boolean;
  readonly logged?: boolean;
  readonly streaming?: boolean;
  readonly nag?: boolean;
}

function synth(setting: Setting = {}): Template {
  using project = fixtureProject();
  const app = new App({ outdir: join(project.root, 'cdk.out'), context: { 'aws:cdk:disable-asset-staging': true } });
  const stack = new Stack(app, 'Functions', { env: { region: 'us-east-1', account: '111122223333' } });
  const store = new ModelStore(stack, 'ModelStore');
  const { streaming = false } = setting;
  const make = (id: string, entry: string, timeout: number) =>
    new InferenceFunction(stack, id, { entry, store, alias: 'live', streaming, timeout: Duration.seconds(timeout) });
  const functions = {
    [setting.name ?? 'sort']: make('Sort', project.entry('sort'), 120),
    ...(setting.only ? {} : { plain: make('Plain', project.entry('plain'), 5) }),
  };
  const vpc = new Vpc(stack, 'Vpc', { natGateways: 0, maxAzs: 2 });
  const shop = new SecurityGroup(stack, 'Shop', { vpc: vpc as IVpc });
  const logs = new Bucket(stack, 'Logs');
  const { internetFacing = false } = setting;
  new InferenceLoadBalancer(stack, 'Front', {
    functions,
    vpc,
    clients: setting.anybody ? [Peer.anyIpv4()] : [Peer.ipv4('10.7.0.0/16'), shop],
    internetFacing,
    ...(setting.logged ? { accessLog: logs } : {}),
    ...(setting.domain ? { domain: domain(stack) } : {}),
  });
  if (setting.nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    for (const each of [store.bucket, logs, vpc]) {
      for (const id of ['AwsSolutions-S1', 'AwsSolutions-S10', 'AwsSolutions-VPC7']) {
        Validations.of(each).acknowledge({ id, reason: 'not the subject' });
      }
    }
    app.synth();
  }
  return Template.fromStack(stack);
}

function domain(stack: Stack) {
  const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/1';
  return {
    name: 'api.example.com',
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', arn),
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
  };
}
