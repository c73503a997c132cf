// One function as a construct: what it is given, what it may do, and that nothing more is allowed.
import { join } from 'node:path';
import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { CapacityProvider } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { isFunctionUrlEvent, toRequest } from '../../src/adapters/function-url.ts';
import { InferenceFunction, type InferenceFunctionProps, ModelStore, OnnxRuntimeLayer } from '../../src/cdk/index.ts';
import { fixtureLock, fixtureProject } from '../build/fixtures/project.ts';
import { isAllowed, statementsOf } from './policy.ts';

describe('InferenceFunction', () => {
  let template: Template;
  beforeAll(() => {
    template = functions();
  });

  it('is a Node 24 function with a vCPU, 30 seconds, tracing, a store and a stage', () => {
    template.hasResource('AWS::Lambda::Function', {
      Metadata: { 'glowplug:function': 'sort' },
      Properties: {
        Runtime: 'nodejs24.x',
        Handler: 'init.handler',
        Architectures: ['x86_64'],
        MemorySize: 1769,
        Timeout: 30,
        TracingConfig: { Mode: 'Active' },
        Description: 'glowplug sort: iris:prod',
        Environment: {
          Variables: {
            GLOWPLUG_STAGE: 'dev',
            GLOWPLUG_STORE: {
              'Fn::Join': ['', ['s3://', { 'Fn::ImportValue': Match.stringLikeRegexp('ModelStore') }]],
            },
          },
        },
      },
    });
  });

  it('takes what its owner chooses', () => {
    const chosen = functions({ memorySize: 512, timeout: Duration.seconds(5), stage: 'prod' });
    chosen.hasResourceProperties('AWS::Lambda::Function', {
      MemorySize: 512,
      Timeout: 5,
      Environment: { Variables: { GLOWPLUG_STAGE: 'prod' } },
    });
  });

  it('answers over a URL that asks for IAM signatures', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
    template.resourceCountIs('AWS::Lambda::Permission', 0);
  });

  it('streams where it is told to: the URL and the function both know', () => {
    const streaming = functions({ streaming: true });
    streaming.hasResourceProperties('AWS::Lambda::Url', { InvokeMode: 'RESPONSE_STREAM' });
    const variables = (from: Template) =>
      Object.values(from.findResources('AWS::Lambda::Function'))[0]?.['Properties'].Environment.Variables;
    expect(variables(streaming).GLOWPLUG_STREAMING).toBe('1');
    expect(variables(template).GLOWPLUG_STREAMING).toBeUndefined();
  });

  it('runs on Managed Instances where it is given some, with one worker, JSON logs and the file of its threads', () => {
    const arn = 'arn:aws:lambda:us-east-1:000000000000:capacity-provider:mine';
    const capacityProvider = CapacityProvider.fromCapacityProviderArn(new Stack(), 'Provider', arn);
    const given = functions({ managedInstances: { capacityProvider, maxConcurrency: 32, memoryGiBPerVCpu: 4 } });
    given.hasResourceProperties('AWS::Lambda::Function', {
      MemorySize: 2048,
      LoggingConfig: { LogFormat: 'JSON' },
      Environment: { Variables: { AWS_LAMBDA_NODEJS_WORKER_COUNT: '1' } },
      CapacityProviderConfig: {
        LambdaManagedInstancesCapacityProviderConfig: {
          CapacityProviderArn: arn,
          PerExecutionEnvironmentMaxConcurrency: 32,
          ExecutionEnvironmentMemoryGiBPerVCpu: 4,
        },
      },
    });
    template.hasResourceProperties('AWS::Lambda::Function', { CapacityProviderConfig: Match.absent() });
  });

  it('keeps its log for a month', () => {
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  it('may write its own log, send traces and read its own models: that is all', () => {
    const [role] = Object.values(template.findResources('AWS::IAM::Role'));
    expect(role?.['Properties'].ManagedPolicyArns).toBeUndefined();
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      (policy) => policy['Properties'].PolicyDocument.Statement,
    );
    const bucketArn = { 'Fn::ImportValue': expect.stringContaining('ModelStoreBucket') };
    expect(statements).toEqual([
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^SortLogs/), 'Arn'] },
      },
      { Effect: 'Allow', Action: 's3:GetObject', Resource: { 'Fn::Join': ['', [bucketArn, '/iris/*']] } },
      { Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' },
    ]);
  });

  it('reads iris whole and nothing beside it, as the policy evaluates', () => {
    const statements = statementsOf(template, only(template, 'AWS::IAM::Role'));
    const bucket = `<${bucketOf(template)}>`;
    const may = (action: string, resource: string) => isAllowed(statements, { action, resource });
    expect(may('s3:GetObject', `${bucket}/iris/index.json`)).toBe(true);
    expect(may('s3:GetObject', `${bucket}/iris/blobs/sha256/ab`)).toBe(true);
    for (const key of ['iris-2/index.json', 'ppocr-det/index.json', 'iris']) {
      expect(may('s3:GetObject', `${bucket}/${key}`)).toBe(false);
    }
    for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:ListBucket', 's3:GetObjectVersion']) {
      expect(may(action, `${bucket}/iris/index.json`)).toBe(false);
    }
    expect(may('xray:PutTraceSegments', '*')).toBe(true);
  });

  it('is open to everybody only by choice', () => {
    const open = functions({ auth: 'none' });
    open.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'NONE' });
    const permissions = Object.values(open.findResources('AWS::Lambda::Permission')).map(
      ({ Properties }) => Properties,
    );
    expect(permissions.map(({ Action, Principal }) => [Action, Principal]).sort()).toEqual([
      ['lambda:InvokeFunction', '*'],
      ['lambda:InvokeFunctionUrl', '*'],
    ]);
  });

  it('sends no traces, and may not, when told so', () => {
    const quiet = functions({ tracing: false });
    const [fn] = Object.values(quiet.findResources('AWS::Lambda::Function'));
    expect(fn?.['Properties'].TracingConfig).toBeUndefined();
    const statements = statementsOf(quiet, only(quiet, 'AWS::IAM::Role'));
    expect(isAllowed(statements, { action: 'xray:PutTraceSegments', resource: '*' })).toBe(false);
  });

  it('keeps no more environments than were reserved', () => {
    functions({ reservedConcurrency: 5 }).hasResourceProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: 5,
    });
  });

  it('answers by its alias where it has one, and provisioned environments are the alias’s', () => {
    const aliased = functions({ alias: 'canary' });
    aliased.hasResourceProperties('AWS::Lambda::Alias', { Name: 'canary' });
    aliased.hasResourceProperties('AWS::Lambda::Url', { Qualifier: 'canary' });
    const provisioned = functions({ provisionedConcurrency: 2 });
    provisioned.hasResourceProperties('AWS::Lambda::Alias', {
      Name: 'live',
      ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 2 },
    });
    // Whose init ends when it is warm, or Lambda would freeze half of a model.
    provisioned.hasResourceProperties('AWS::Lambda::Function', { Handler: 'init.handler' });
    template.resourceCountIs('AWS::Lambda::Alias', 0);
  });

  it('is asked for its readiness on a schedule, in an event that the adapter understands', () => {
    const warm = functions({ warmEvery: Duration.minutes(5), alias: 'live' });
    const [rule] = Object.values(warm.findResources('AWS::Events::Rule'));
    expect(rule?.['Properties'].ScheduleExpression).toBe('rate(5 minutes)');
    const [target] = rule?.['Properties'].Targets ?? [];
    expect(target.Arn.Ref).toMatch(/Aliaslive/);
    const event: unknown = JSON.parse(target.Input);
    if (!isFunctionUrlEvent(event)) throw new Error(`expected a function URL event, got ${target.Input}`);
    expect(toRequest(event)).toMatchObject({ method: 'GET', url: 'https://localhost/v2/health/ready' });
  });

  describe('in a VPC', () => {
    let inVpc: Template;
    beforeAll(() => {
      inVpc = functions({}, ['sort', 'plain'], { vpc: true, nag: true });
    });

    it('reaches the store by one gateway endpoint, whichever function came first', () => {
      inVpc.resourceCountIs('AWS::EC2::VPCEndpoint', 1);
      inVpc.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
      for (const fn of Object.values(inVpc.findResources('AWS::Lambda::Function'))) {
        expect(fn['Properties'].VpcConfig.SubnetIds).toHaveLength(2);
      }
    });

    it('lets Lambda attach it, and its own code touch no network interface', () => {
      const [role = ''] = Object.keys(inVpc.findResources('AWS::IAM::Role')).filter((id) => id.startsWith('Sort'));
      const statements = statementsOf(inVpc, role);
      const ask = { action: 'ec2:CreateNetworkInterface', resource: '*' };
      expect(isAllowed(statements, ask)).toBe(true);
      const context = { 'lambda:SourceFunctionArn': 'arn:aws:lambda:us-east-1:111122223333:function:any' };
      expect(isAllowed(statements, { ...ask, context })).toBe(false);
    });
  });

  it('refuses what will not run, naming the function and the remedy', () => {
    expect(() => functions({ memorySize: 64 })).toThrow(/function sort: expected memorySize/);
    expect(() => functions({ memorySize: 128 }, ['sort'], { modelBytes: 1e9 })).toThrow(
      /iris:prod, which takes \d+ MB/,
    );
    expect(() => functions({}, ['sort'], { modelBytes: 7e9 })).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('GpuEndpoint') }),
    );
    expect(() => functions({ references: ['unheard-of:prod'] })).toThrow(
      /expected unheard-of:prod in models.lock.json/,
    );
  });

  it('shares one layer a stack and package with its neighbours, and has none that its bundle does not name', () => {
    const several = functions({}, ['sort', 'sort', 'plain']);
    several.resourceCountIs('AWS::Lambda::LayerVersion', 2);
    const layers = Object.values(several.findResources('AWS::Lambda::Function')).map((fn) => fn['Properties'].Layers);
    expect(layers[0]).toHaveLength(2);
    expect(layers[1]).toEqual(layers[0]);
    expect(layers[2]).toBeUndefined();
  });

  it('names its code and layers by their content: the template of another build is the same', () => {
    expect(functions().toJSON()).toEqual(template.toJSON());
  });

  it('is clean under AwsSolutions, whether its store is in its own stack or in another', () => {
    expect(() => functions({}, ['sort', 'plain'], { nag: true })).not.toThrow();
    expect(() => functions({}, ['sort'], { nag: true, oneStack: true })).not.toThrow();
  });

  it('does not hide what its owner adds: a bucket without TLS is still found', () => {
    expect(() => functions({}, ['sort'], { nag: true, extra: (stack) => new Bucket(stack, 'Open') })).toThrow(
      /validation/i,
    );
  });
});

describe('OnnxRuntimeLayer', () => {
  it.each(['x86_64', 'arm64'] as const)('is for one architecture, named by its content: %s', (architecture) => {
    using project = fixtureProject();
    const stack = new Stack(inPlaceApp(project.root), 'Layers');
    const layer = OnnxRuntimeLayer.of(stack, { architecture });
    expect(OnnxRuntimeLayer.of(stack, { architecture })).toBe(layer);
    Template.fromStack(stack).hasResource('AWS::Lambda::LayerVersion', {
      DeletionPolicy: 'Retain',
      Properties: {
        CompatibleArchitectures: [architecture],
        CompatibleRuntimes: ['nodejs24.x'],
        Description: Match.stringLikeRegexp(`^onnxruntime ${architecture} [0-9a-f]{12}$`),
      },
    });
  });
});

/** Writes into the fixture's folder, and leaves 66 MB of layers where they are. */
function inPlaceApp(root: string): App {
  return new App({ outdir: join(root, 'cdk.out'), context: { 'aws:cdk:disable-asset-staging': true } });
}

interface Setting {
  readonly nag?: boolean;
  readonly oneStack?: boolean;
  readonly vpc?: boolean;
  /** Of iris. */
  readonly modelBytes?: number;
  readonly extra?: (stack: Stack) => unknown;
}

/** The fixture's functions in an app of their own, synthesised. */
function functions(props: Partial<InferenceFunctionProps> = {}, names = ['sort'], setting: Setting = {}): Template {
  const lock = structuredClone(fixtureLock);
  if (setting.modelBytes) Object.assign(lock.models['iris:prod']!.files['model.onnx']!, { size: setting.modelBytes });
  using project = fixtureProject({ lock });
  const app = inPlaceApp(project.root);
  const stack = new Stack(app, 'Functions');
  const vpc = setting.vpc ? isolatedVpc(stack) : undefined;
  const store = new ModelStore(setting.oneStack ? stack : new Stack(app, 'Store'), 'ModelStore');
  for (const [index, name] of names.entries()) {
    const id = `${name[0]?.toUpperCase()}${name.slice(1)}${index || ''}`;
    new InferenceFunction(stack, id, { entry: project.entry(name), store, ...(vpc ? { vpc } : {}), ...props });
  }
  setting.extra?.(stack);
  if (setting.nag) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // The app's own decision, not the construct's: infra/stacks/store-stack.ts makes and explains the same one.
    Validations.of(store.bucket).acknowledge({ id: 'AwsSolutions-S1', reason: 'not the subject' });
    app.synth();
  }
  return Template.fromStack(stack);
}

/** Without a NAT gateway: only S3 is reached. */
function isolatedVpc(stack: Stack): Vpc {
  const vpc = new Vpc(stack, 'Vpc', {
    natGateways: 0,
    subnetConfiguration: [{ name: 'functions', subnetType: SubnetType.PRIVATE_ISOLATED }],
  });
  Validations.of(vpc).acknowledge({ id: 'AwsSolutions-VPC7', reason: 'not the subject' });
  return vpc;
}

function only(template: Template, type: string): string {
  const ids = Object.keys(template.findResources(type));
  if (ids.length !== 1) throw new Error(`expected one ${type}, got ${ids.join(', ')}`);
  return ids[0]!;
}

/** As the evaluator writes the bucket's ARN, seen from the functions' stack. */
function bucketOf(template: Template): string {
  return /"Fn::ImportValue":"([^"]*ModelStoreBucket[^"]*Arn[^"]*)"/.exec(JSON.stringify(template.toJSON()))?.[1] ?? '';
}
