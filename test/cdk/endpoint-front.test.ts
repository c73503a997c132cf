// An endpoint behind API Gateway: who may ask, by which way alone, and whose failures its alarm counts.
import { Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, it } from 'vitest';
import { isAllowed, statementsOf, text } from './policy.ts';
import { letCallerAsk, synthEndpoint } from './synth-endpoint.ts';

const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/1';
const certificate = Certificate.fromCertificateArn(new Stack(), 'Certificate', arn);

describe("an endpoint with front: 'api'", () => {
  let template: Template;
  beforeAll(() => {
    template = synthEndpoint({ front: 'api' }, { use: letCallerAsk });
  });
  const idOf = (type: string, name: RegExp) => Object.keys(template.findResources(type)).find((id) => name.test(id))!;

  it('is asked at every path by who signs with IAM, and sends it on over the link to its listener', () => {
    const routes = Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(
      ({ Properties }) => Properties,
    );
    expect(routes.map(({ RouteKey }) => RouteKey).sort()).toEqual(
      ['GET', 'HEAD', 'POST'].flatMap((method) => [`${method} /`, `${method} /{proxy+}`]),
    );
    for (const { AuthorizationType } of routes) expect(AuthorizationType).toBe('AWS_IAM');
    template.resourceCountIs('AWS::ApiGatewayV2::Integration', 1);
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      ConnectionType: 'VPC_LINK',
      IntegrationType: 'HTTP_PROXY',
      IntegrationUri: { Ref: idOf('AWS::ElasticLoadBalancingV2::Listener', /Listener/) },
    });
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 },
      AccessLogSettings: { Format: Match.stringLikeRegexp('identity.userArn') },
    });
  });

  it('has no way past the API: the link alone reaches the load balancer, and reaches nothing else', () => {
    const groups = template.findResources('AWS::EC2::SecurityGroup');
    const balancer = idOf('AWS::EC2::SecurityGroup', /LoadBalancer/);
    const link = idOf('AWS::EC2::SecurityGroup', /LinkGroup/);
    expect(groups[balancer]!['Properties'].SecurityGroupIngress).toBeUndefined();
    expect(rulesOf(template, 'Ingress', balancer)).toEqual([{ port: 80, of: `<${link}.GroupId>` }]);
    expect(rulesOf(template, 'Egress', link)).toEqual([{ port: 80, of: `<${balancer}.GroupId>` }]);
    template.hasResourceProperties('AWS::ApiGatewayV2::VpcLink', {
      SecurityGroupIds: [{ 'Fn::GetAtt': [link, 'GroupId'] }],
    });
  });

  it('asks for no key: IAM has said who it is', () => {
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [Match.objectLike({ Secrets: Match.absent() })],
    });
  });

  it('lets a role ask that was granted it, at all paths of this API, and no other', () => {
    const statements = statementsOf(template, idOf('AWS::IAM::Role', /^Caller/));
    const may = (api: string, what: string) =>
      isAllowed(statements, {
        action: 'execute-api:Invoke',
        resource: `arn:aws:execute-api:us-east-1:111122223333:${api}/$default/${what}`,
      });
    const api = `<${idOf('AWS::ApiGatewayV2::Api', /Front/)}>`;
    expect([may(api, 'POST/'), may(api, 'POST/v2/models/iris/infer'), may(api, 'GET/v2')]).toEqual([true, true, true]);
    expect([may('another', 'POST/'), may(api, 'DELETE/')]).toEqual([false, false]);
  });

  it('counts what the API answers, where a request that takes too long is a failure', () => {
    const errors = errorAlarm(template);
    const names = errors.Metrics.flatMap(
      ({ MetricStat }: { MetricStat?: { Metric: object } }) => MetricStat?.Metric ?? [],
    );
    expect(names).toEqual([
      expect.objectContaining({ Namespace: 'AWS/ApiGateway', MetricName: 'Count' }),
      expect.objectContaining({ Namespace: 'AWS/ApiGateway', MetricName: '5xx' }),
    ]);
  });

  it('sleeps and wakes as behind the load balancer: the waker’s 503 with Retry-After comes through', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
      Priority: 2,
      Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }],
    });
    // A response is sent on as it is: nothing of it is mapped.
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', { ResponseParameters: Match.absent() });
  });

  it('has a name, a rate and a log of its owner’s choice', () => {
    const named = synthEndpoint({
      front: 'api',
      api: { rateLimit: 5, domain: { name: 'ocr.example.com', certificate } },
    });
    named.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    named.hasResourceProperties('AWS::ApiGatewayV2::DomainName', { DomainName: 'ocr.example.com' });
    named.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
    });
  });

  it('takes a key instead, which the API itself asks for: who has none wakes nobody', () => {
    const byKey = synthEndpoint({ front: 'api', api: { auth: 'key' } }, { use: letCallerAsk, nag: true });
    byKey.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: 'CUSTOM' });
    const [secret = ''] = Object.keys(byKey.findResources('AWS::SecretsManager::Secret'));
    byKey.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { GLOWPLUG_API_KEYS_SECRET: { Ref: secret } } },
    });
    byKey.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [Match.objectLike({ Secrets: Match.absent() })],
    });
    const [caller = ''] = Object.keys(byKey.findResources('AWS::IAM::Role')).filter((id) => /^Caller/.test(id));
    const ask = { action: 'secretsmanager:GetSecretValue', resource: `<${secret}>` };
    expect(isAllowed(statementsOf(byKey, caller), ask)).toBe(true);
  });

  it('refuses what the chosen front does not have', () => {
    expect(() => synthEndpoint({ front: 'api', certificate })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('TLS ends at the API') }),
    );
    expect(() => synthEndpoint({ api: { rateLimit: 5 } })).toThrow(/no api with front: 'load-balancer'/);
    const apiKeys = Secret.fromSecretCompleteArn(
      new Stack(),
      'Keys',
      'arn:aws:secretsmanager:us-east-1:1:secret:k-AbCdEf',
    );
    expect(() => synthEndpoint({ front: 'api', apiKeys })).toThrow(
      expect.objectContaining({ remedy: 'The API asks for them: api: { auth: { keys } }.' }),
    );
  });

  it('is clean under AwsSolutions', () => {
    expect(() => synthEndpoint({ front: 'api' }, { nag: true })).not.toThrow();
  });
});

describe('an endpoint with its load balancer alone', () => {
  it('lets a role that was granted to ask read the keys, and nothing more; a key is one word', () => {
    const template = synthEndpoint({}, { use: letCallerAsk });
    const [secret = ''] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
    const [caller = ''] = Object.keys(template.findResources('AWS::IAM::Role')).filter((id) => /^Caller/.test(id));
    const statements = statementsOf(template, caller);
    expect(isAllowed(statements, { action: 'secretsmanager:GetSecretValue', resource: `<${secret}>` })).toBe(true);
    expect(isAllowed(statements, { action: 'secretsmanager:PutSecretValue', resource: `<${secret}>` })).toBe(false);
    expect(isAllowed(statements, { action: 'secretsmanager:GetSecretValue', resource: '<another>' })).toBe(false);
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: { ExcludePunctuation: true, PasswordLength: 40 },
    });
    template.resourceCountIs('AWS::ApiGatewayV2::Api', 0);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: a template's resources have no types.
function errorAlarm(template: Template): any {
  const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
  return alarms.find(([id]) => /Errors/.test(id))?.[1]['Properties'];
}

function rulesOf(template: Template, way: 'Ingress' | 'Egress', group: string) {
  return Object.values(template.findResources(`AWS::EC2::SecurityGroup${way}`))
    .map(({ Properties }) => Properties)
    .filter(({ GroupId }) => text(GroupId) === `<${group}.GroupId>`)
    .filter(({ FromPort }) => FromPort !== 8080)
    .map(({ FromPort, SourceSecurityGroupId, DestinationSecurityGroupId }) => ({
      port: FromPort,
      of: text(SourceSecurityGroupId ?? DestinationSecurityGroupId),
    }));
}
