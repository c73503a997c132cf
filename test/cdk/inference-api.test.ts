// InferenceApi: who may call which function, how often, from where, and under which name.
import { join } from 'node:path';
import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  InferenceApi,
  type InferenceApiProps,
  InferenceFunction,
  type InferenceFunctionProps,
  ModelStore,
} from '../../src/cdk/index.ts';
import { readHttpApis } from '../../src/testing/template/http-apis.ts';
import { readSecrets } from '../../src/testing/template/secrets.ts';
import { fixtureProject } from '../build/fixtures/project.ts';
import { isAllowed, statementsOf, text } from './policy.ts';

describe('InferenceApi', () => {
  let template: Template;
  beforeAll(() => {
    template = synth();
  });
  const routes = (of: Template) =>
    Object.values(of.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => Properties);

  it('has each function below its name, for signed requests alone', () => {
    const found = routes(template);
    const keys = ['GET', 'HEAD', 'POST'].flatMap((method) =>
      ['/plain', '/plain/{proxy+}', '/sort', '/sort/{proxy+}'].map((path) => `${method} ${path}`),
    );
    expect(found.map(({ RouteKey }) => RouteKey).sort()).toEqual(keys);
    for (const { AuthorizationType } of found) expect(AuthorizationType).toBe('AWS_IAM');
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationUri: { Ref: Match.stringLikeRegexp('^SortFunctionAliaslive') },
      PayloadFormatVersion: '2.0',
    });
    template.resourceCountIs('AWS::ApiGatewayV2::Integration', 2);
  });

  it('takes 100 requests a second, tells its functions that it names them, and logs who asked', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: '$default',
      StageVariables: { glowplugRoutes: 'named' },
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 },
      AccessLogSettings: { Format: Match.stringLikeRegexp('identity.userArn.*integrationLatency') },
    });
  });

  it('is an API that the local cloud reads: every route reaches its function’s alias', () => {
    const stack = { name: 'Functions', template: JSON.parse(JSON.stringify(template.toJSON())) };
    const deployment = { stacks: [stack], region: 'us-east-1', account: '111122223333' };
    const functions = Object.entries(template.findResources('AWS::Lambda::Function')).flatMap(([id, { Metadata }]) =>
      Metadata?.['glowplug:function'] ? [{ name: Metadata['glowplug:function'], functionName: `Functions-${id}` }] : [],
    );
    const { apis, skipped } = readHttpApis(stack, deployment, functions);
    expect(skipped).toEqual([]);
    expect(apis).toMatchObject([{ stageVariables: { glowplugRoutes: 'named' }, throttle: { rate: 100, burst: 200 } }]);
    expect(apis[0]?.routes).toHaveLength(12);
    expect(apis[0]?.routes).toContainEqual({
      key: 'POST /sort/{proxy+}',
      auth: 'AWS_IAM',
      functionName: 'sort',
      qualifier: 'live',
    });
  });

  it('lets API Gateway call the functions for this API alone', () => {
    const [id] = Object.keys(template.findResources('AWS::ApiGatewayV2::Api'));
    const arns = Object.values(template.findResources('AWS::Lambda::Permission'))
      .filter(({ Properties }) => Properties.Principal === 'apigateway.amazonaws.com')
      .map(({ Properties }) => text(Properties.SourceArn));
    expect([...new Set(arns)]).toEqual([`arn:aws:execute-api:us-east-1:111122223333:<${id}>/*/*/*`]);
  });

  it('lets a role call the function that it was granted, at all of its paths, and no other', () => {
    const [id] = Object.keys(template.findResources('AWS::ApiGatewayV2::Api'));
    const [role = ''] = Object.keys(template.findResources('AWS::IAM::Role')).filter((each) => /^Caller/.test(each));
    const statements = statementsOf(template, role);
    const may = (path: string) =>
      isAllowed(statements, {
        action: 'execute-api:Invoke',
        resource: `arn:aws:execute-api:us-east-1:111122223333:<${id}>/$default/${path}`,
      });
    expect(may('POST/sort')).toBe(true);
    expect(may('GET/sort/v2/health/ready')).toBe(true);
    expect(may('POST/plain')).toBe(false);
    expect(may('POST/sorted')).toBe(false);
    expect(may('POST/plain/sort')).toBe(false);
    expect(may('POST/plain/POST/sort/deep')).toBe(false);
  });

  it('takes tokens of an issuer instead, with one of the scopes', () => {
    const jwt = synth({ auth: { issuer: 'https://id.example', audience: ['app'], scopes: ['infer'] } });
    jwt.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      JwtConfiguration: { Issuer: 'https://id.example', Audience: ['app'] },
    });
    jwt.resourceCountIs('AWS::ApiGatewayV2::Authorizer', 1);
    for (const route of routes(jwt)) {
      expect(route).toMatchObject({ AuthorizationType: 'JWT', AuthorizationScopes: ['infer'] });
    }
  });

  describe('with keys', () => {
    let keyed: Template;
    beforeAll(() => {
      keyed = synth({ auth: 'key', cors: ['https://app.example'] });
    });
    const authorizer = () => {
      const found = Object.entries(keyed.findResources('AWS::Lambda::Function')).find(([id]) =>
        /^ApiAuthorizer/.test(id),
      );
      return { id: found?.[0], properties: found?.[1]['Properties'] };
    };

    it('asks an authorizer about x-api-key, and lets API Gateway remember what it says for four minutes', () => {
      for (const route of routes(keyed)) expect(route).toMatchObject({ AuthorizationType: 'CUSTOM' });
      keyed.resourceCountIs('AWS::ApiGatewayV2::Authorizer', 1);
      keyed.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
        AuthorizerType: 'REQUEST',
        AuthorizerPayloadFormatVersion: '2.0',
        EnableSimpleResponses: true,
        AuthorizerResultTtlInSeconds: 240,
        IdentitySource: ['$request.header.x-api-key'],
      });
      keyed.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
        AccessLogSettings: { Format: Match.stringLikeRegexp('"key":"\\$context.authorizer.keyId"') },
      });
      keyed.hasResourceProperties('AWS::ApiGatewayV2::Api', {
        CorsConfiguration: { AllowHeaders: Match.arrayWith(['x-api-key']) },
      });
      keyed.hasOutput('*', { Description: Match.stringLikeRegexp('get-secret-value') });
    });

    it('makes one key that is a word, and writes it down nowhere', () => {
      keyed.hasResourceProperties('AWS::SecretsManager::Secret', {
        GenerateSecretString: { ExcludePunctuation: true, PasswordLength: 40 },
        SecretString: Match.absent(),
      });
      expect(authorizer().properties.Environment.Variables).toEqual({
        GLOWPLUG_API_KEYS_SECRET: { Ref: expect.stringMatching(/^ApiApiKeys/) },
      });
    });

    it('lets the authorizer read that secret and write its log, and nothing else', () => {
      const [role = ''] = Object.keys(keyed.findResources('AWS::IAM::Role')).filter((id) =>
        /^ApiAuthorizerRole/.test(id),
      );
      const statements = statementsOf(keyed, role);
      const [secret] = Object.keys(keyed.findResources('AWS::SecretsManager::Secret'));
      const may = (action: string, resource: string) => isAllowed(statements, { action, resource });
      expect(may('secretsmanager:GetSecretValue', `<${secret}>`)).toBe(true);
      expect(may('secretsmanager:GetSecretValue', '<Another>')).toBe(false);
      expect(may('secretsmanager:PutSecretValue', `<${secret}>`)).toBe(false);
      const actions = statements.flatMap(({ Action }) => [Action ?? []].flat());
      expect(
        actions.filter(
          (each) => !/^(logs:(CreateLogStream|PutLogEvents)|secretsmanager:(Get|Describe)\w+)$/.test(each),
        ),
      ).toEqual([]);
      expect(statements.flatMap(({ Resource }) => [Resource].flat().map(text)).filter((each) => each === '*')).toEqual(
        [],
      );
    });

    it('lets this API alone call the authorizer', () => {
      const permissions = Object.values(keyed.findResources('AWS::Lambda::Permission')).filter(({ Properties }) =>
        text(Properties.FunctionName).includes(`${authorizer().id}`),
      );
      expect(permissions.map(({ Properties }) => [Properties.Principal, text(Properties.SourceArn)])).toEqual([
        ['apigateway.amazonaws.com', expect.stringMatching(/:<Api\w+>\/authorizers\/<\w+>$/)],
      ]);
    });

    it('takes a secret of the app’s own', () => {
      const own = synth({}, { ownKeys: true });
      own.resourceCountIs('AWS::SecretsManager::Secret', 1);
      own.hasResourceProperties('AWS::SecretsManager::Secret', { Name: 'my-keys' });
      own.resourceCountIs('AWS::ApiGatewayV2::Authorizer', 1);
    });

    it('is an API whose authorizer the local cloud runs', () => {
      const stack = { name: 'Functions', template: JSON.parse(JSON.stringify(keyed.toJSON())) };
      const deployment = { stacks: [stack], region: 'us-east-1', account: '111122223333' };
      const named = Object.entries(keyed.findResources('AWS::Lambda::Function')).flatMap(([id, { Metadata }]) =>
        Metadata?.['glowplug:function']
          ? [{ name: Metadata['glowplug:function'], functionName: `Functions-${id}`.slice(-64) }]
          : [],
      );
      const { apis, skipped } = readHttpApis(stack, deployment, named);
      expect(skipped).toEqual([]);
      expect(apis[0]?.routes).toHaveLength(12);
      expect(apis[0]?.routes[0]?.auth).toMatchObject({
        functionName: 'Functions-Api-keys',
        headers: ['x-api-key'],
        seconds: 240,
      });
      expect(readSecrets(stack, deployment)).toMatchObject([{ value: { length: 40 } }]);
    });
  });

  it('answers everybody, browsers of these origins, and as often as its owner chooses', () => {
    const open = synth({ auth: 'none', cors: ['https://app.example'], rateLimit: 5, burstLimit: 6 });
    for (const { AuthorizationType } of routes(open)) expect(AuthorizationType).toBe('NONE');
    open.hasResourceProperties('AWS::ApiGatewayV2::Api', {
      CorsConfiguration: { AllowOrigins: ['https://app.example'], AllowMethods: ['GET', 'HEAD', 'POST'] },
    });
    open.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 6 },
    });
  });

  it('has a name of its own, over TLS 1.2, and answers at no other', () => {
    const named = synth({}, { domain: true });
    named.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: 'api.example.com',
      DomainNameConfigurations: [Match.objectLike({ EndpointType: 'REGIONAL' })],
    });
    named.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', { Stage: '$default', ApiMappingKey: Match.absent() });
    named.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    named.hasResourceProperties('AWS::Route53::RecordSet', { Name: 'api.example.com.', Type: 'A' });
  });

  it('refuses a name that no path has, and a function that streams, with the remedy', () => {
    expect(() => synth({}, { name: 'Sort/all' })).toThrow(/lower-case letters, digits and hyphens, got Sort\/all/);
    expect(() => synth({}, { function: { streaming: true } })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('at its URL') }),
    );
  });

  it('warns of a function that may take longer than the API waits', () => {
    expect(() => synth({}, { function: { timeout: Duration.seconds(60) }, strict: true })).toThrow(/waits 30 s/);
    expect(() => synth({}, { strict: true })).not.toThrow();
  });

  it.each(['iam', 'none', 'key'] as const)('is clean under AwsSolutions with %s', (auth) => {
    expect(() => synth({ auth }, { nag: true })).not.toThrow();
  });
});

interface Setting {
  readonly name?: string;
  readonly domain?: boolean;
  readonly ownKeys?: boolean;
  readonly function?: Partial<InferenceFunctionProps>;
  readonly nag?: boolean;
  /** Throws at a warning. */
  readonly strict?: boolean;
}

function synth(props: Partial<InferenceApiProps> = {}, setting: Setting = {}): Template {
  using project = fixtureProject();
  const context = { 'aws:cdk:disable-asset-staging': true };
  const app = new App({ outdir: join(project.root, 'cdk.out'), context });
  const stack = new Stack(app, 'Functions');
  const store = new ModelStore(stack, 'ModelStore');
  const common = { store, alias: 'live' };
  const sort = new InferenceFunction(stack, 'Sort', { entry: project.entry('sort'), ...common, ...setting.function });
  const plain = new InferenceFunction(stack, 'Plain', { entry: project.entry('plain'), ...common });
  const domain = () => ({
    name: 'api.example.com',
    certificate: Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:us-east-1:111122223333:certificate/1',
    ),
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
  });
  const api = new InferenceApi(stack, 'Api', {
    functions: { [setting.name ?? 'sort']: sort, plain },
    ...(setting.domain ? { domain: domain() } : {}),
    ...(setting.ownKeys ? { auth: { keys: new Secret(stack, 'Keys', { secretName: 'my-keys' }) } } : {}),
    ...props,
  });
  api.grantInvoke(new Role(stack, 'Caller', { assumedBy: new AccountPrincipal('111122223333') }), 'sort');
  if (setting.nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    app.synth();
  }
  if (setting.strict) {
    const { messages } = app.synth().getStackByName('Functions');
    const warned = messages.filter(({ level }) => level === 'warning').map(({ entry }) => String(entry.data));
    if (warned.some((each) => each.includes('HTTP API'))) throw new Error(warned.join('\n'));
  }
  return Template.fromStack(stack);
}
