// An endpoint on Lambda: a container function with a GPU on Managed Instances, its URL, its scaling, its rights.
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { isAllowed, statementsOf } from './policy.ts';
import { letCallerAsk, synthEndpoint } from './synth-endpoint.ts';

const host = 'lambda';

describe("GpuEndpoint with host: 'lambda'", () => {
  let template: Template;
  beforeAll(() => {
    template = synthEndpoint({ host }, { use: letCallerAsk });
  });

  it('is the image as a function with a GPU of its own, which it starts as Lambda’s runtime for one function', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      PackageType: 'Image',
      Code: { ImageUri: Match.anyValue() },
      // Nothing of the image's own entry is replaced: it finds out itself where it is.
      ImageConfig: Match.absent(),
      Architectures: ['x86_64'],
      AcceleratorConfig: { AcceleratorMemorySize: 24 },
      MemorySize: 12_288,
      Timeout: 300,
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: Match.objectLike({ LogFormat: 'JSON' }),
      Environment: {
        Variables: {
          AWS_LAMBDA_NODEJS_WORKER_COUNT: '1',
          GLOWPLUG_FUNCTION: 'sort',
          GLOWPLUG_MODELS_MB: '23622',
          GLOWPLUG_STAGE: 'dev',
          GLOWPLUG_STORE: Match.anyValue(),
        },
      },
    });
  });

  it('runs on instances of that GPU alone, from no environment to four, with many requests in each', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      PublishToLatestPublished: true,
      CapacityProviderConfig: {
        LambdaManagedInstancesCapacityProviderConfig: {
          CapacityProviderArn: Match.anyValue(),
          PerExecutionEnvironmentMaxConcurrency: 32,
          ExecutionEnvironmentMemoryGiBPerVCpu: 4,
        },
      },
      FunctionScalingConfig: { MinExecutionEnvironments: 0, MaxExecutionEnvironments: 4 },
    });
    template.hasResourceProperties('AWS::Lambda::CapacityProvider', {
      InstanceRequirements: { Architectures: ['x86_64'], AllowedInstanceTypes: ['g6.xlarge', 'g6.2xlarge'] },
      CapacityProviderScalingConfig: Match.objectLike({ MaxVCpuCount: 64 }),
    });
    const larger = synthEndpoint({
      host,
      gpu: 'l40s',
      minTargets: 2,
      maxTargets: 8,
      concurrency: 4,
      memorySize: 16_384,
    });
    larger.hasResourceProperties('AWS::Lambda::Function', {
      AcceleratorConfig: { AcceleratorMemorySize: 48 },
      MemorySize: 16_384,
      FunctionScalingConfig: { MinExecutionEnvironments: 2, MaxExecutionEnvironments: 8 },
    });
    larger.hasResourceProperties('AWS::Lambda::CapacityProvider', {
      InstanceRequirements: Match.objectLike({ AllowedInstanceTypes: ['g6e.xlarge', 'g6e.2xlarge'] }),
    });
  });

  it('answers over a URL that is signed with IAM, and has neither a load balancer nor keys', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 0);
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    template.resourceCountIs('AWS::Lambda::Permission', 0);
  });

  it('is asked by whom it lets, and does nothing else for them', () => {
    const [caller = ''] = Object.keys(template.findResources('AWS::IAM::Role')).filter((id) => /^Caller/.test(id));
    const [fn = ''] = Object.keys(template.findResources('AWS::Lambda::Function'));
    const may = (action: string) =>
      isAllowed(statementsOf(template, caller), { action, resource: `<${fn}.Arn>`, context });
    const context = { 'lambda:FunctionUrlAuthType': 'AWS_IAM' };
    expect(may('lambda:InvokeFunctionUrl')).toBe(true);
    expect(may('lambda:UpdateFunctionCode')).toBe(false);
  });

  it('may read its own model, and write its log and its traces', () => {
    const [fn] = Object.values(template.findResources('AWS::Lambda::Function'));
    const statements = statementsOf(template, fn!['Properties'].Role['Fn::GetAtt'][0]);
    const arn = /"Fn::ImportValue":"([^"]*ModelStoreBucket[^"]*Arn[^"]*)"/.exec(JSON.stringify(template.toJSON()))?.[1];
    const may = (action: string, resource: string) => isAllowed(statements, { action, resource });
    expect(may('s3:GetObject', `<${arn}>/iris/index.json`)).toBe(true);
    expect(may('s3:GetObject', `<${arn}>/ppocr-det/index.json`)).toBe(false);
    expect(may('s3:PutObject', `<${arn}>/iris/index.json`)).toBe(false);
    expect(may('xray:PutTraceSegments', '*')).toBe(true);
    expect(may('ec2:CreateNetworkInterface', '*')).toBe(false);
    const logs = Object.keys(template.findResources('AWS::Logs::LogGroup')).find((id) => /^SortLogs/.test(id));
    expect(may('logs:PutLogEvents', `<${logs}.Arn>`)).toBe(true);
  });

  it('lets Lambda write what it does with the instances into the same log', () => {
    const [capacity] = Object.values(template.findResources('AWS::Lambda::CapacityProvider'));
    const role = capacity!['Properties'].PermissionsConfig.CapacityProviderOperatorRoleArn['Fn::GetAtt'][0];
    const logs = capacity!['Properties'].TelemetryConfig.LoggingConfig.LogGroup.Ref;
    expect(isAllowed(statementsOf(template, role), { action: 'logs:PutLogEvents', resource: `<${logs}.Arn>` })).toBe(
      true,
    );
  });

  it('has room for the three environments that a first version is started with', () => {
    synthEndpoint({ host, maxTargets: 1 }).hasResourceProperties('AWS::Lambda::CapacityProvider', {
      CapacityProviderScalingConfig: Match.objectLike({ MaxVCpuCount: 48 }),
    });
  });

  it('tells glowplug deploy which versions the image uses', () => {
    template.hasResource('AWS::Lambda::Function', {
      Metadata: Match.objectLike({
        'glowplug:endpoint': 'sort',
        'glowplug:pins': [Match.objectLike({ model: 'iris', digest: Match.stringLikeRegexp('^sha256:') })],
      }),
    });
  });

  it('has an alarm on the share of requests that fail', () => {
    const [alarm] = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
    expect(alarm?.['Properties']).toMatchObject({ Threshold: 0.02 });
    expect(JSON.stringify(alarm?.['Properties'].Metrics)).toContain('Url5xxCount');
  });

  it('refuses memory that Lambda does not have, and models over its disk', () => {
    expect(() => synthEndpoint({ host, memorySize: 14_336 })).toThrow(/4096 to 28672 MB in steps of 4096.*got 14336/);
    expect(() => synthEndpoint({ host, memorySize: 32_768 })).toThrow(/got 32768/);
    expect(() => synthEndpoint({ host }, { modelBytes: 9e9 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('ECS') }),
    );
    synthEndpoint({ host }, { modelBytes: 6e9 }).hasResourceProperties('AWS::Lambda::Function', {
      EphemeralStorage: { Size: 8000 },
    });
  });

  it('is clean under AwsSolutions', () => {
    expect(() => synthEndpoint({ host }, { nag: true })).not.toThrow();
  });
});
