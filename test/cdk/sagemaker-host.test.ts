// An endpoint on SageMaker: an inference component of the image, how it scales from none and back, its rights, its deployments.
import { Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateKey } from '../../src/models/signer.ts';
import { isAllowed, statementsOf } from './policy.ts';
import { letCallerAsk, synthEndpoint } from './synth-endpoint.ts';

const host = 'sagemaker';

describe("GpuEndpoint with host: 'sagemaker'", () => {
  let template: Template;
  beforeAll(() => {
    template = synthEndpoint({ host }, { use: letCallerAsk });
  });

  it('runs copies of the image with a GPU each, on instances that come and go with them', () => {
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      ExecutionRoleArn: Match.anyValue(),
      DataCaptureConfig: Match.absent(),
      VpcConfig: Match.absent(),
      ProductionVariants: [
        Match.objectLike({
          InstanceType: 'ml.g6.xlarge',
          // Inference components are not models of the variant.
          ModelName: Match.absent(),
          ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 5 },
          InferenceAmiVersion: 'al2-ami-sagemaker-inference-gpu-3-1',
        }),
      ],
    });
    template.hasResourceProperties('AWS::SageMaker::InferenceComponent', {
      Specification: {
        Container: {
          Image: Match.anyValue(),
          Environment: {
            AWS_REGION: { Ref: 'AWS::Region' },
            GLOWPLUG_FUNCTION: 'sort',
            GLOWPLUG_MODELS_MB: '23622',
            GLOWPLUG_STAGE: 'dev',
            GLOWPLUG_STORE: Match.anyValue(),
          },
        },
        ComputeResourceRequirements: { NumberOfAcceleratorDevicesRequired: 1, MinMemoryRequiredInMb: 1024 },
        StartupParameters: { ContainerStartupHealthCheckTimeoutInSeconds: 900 },
      },
    });
  });

  it('takes a bad deployment back, one copy at a time', () => {
    const [alarm = ''] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).flatMap(([id, resource]) =>
      JSON.stringify(resource).includes('Invocation5XXErrors') ? [id] : [],
    );
    template.hasResourceProperties('AWS::SageMaker::InferenceComponent', {
      DeploymentConfig: {
        RollingUpdatePolicy: Match.objectLike({ MaximumBatchSize: { Type: 'COPY_COUNT', Value: 1 } }),
        AutoRollbackConfiguration: { Alarms: [{ AlarmName: { Ref: alarm } }] },
      },
    });
  });

  it('scales by requests under way, to none when nobody asks, and to one when somebody does', () => {
    const [component] = Object.values(template.findResources('AWS::SageMaker::InferenceComponent'));
    const name = component!['Properties'].InferenceComponentName;
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ServiceNamespace: 'sagemaker',
      ScalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      ResourceId: `inference-component/${name}`,
      MinCapacity: 0,
      MaxCapacity: 4,
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: Match.objectLike({
        TargetValue: 8,
        PredefinedMetricSpecification: {
          PredefinedMetricType: 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution',
        },
      }),
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      StepScalingPolicyConfiguration: Match.objectLike({
        AdjustmentType: 'ExactCapacity',
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
      }),
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'NoCapacityInvocationFailures',
      Dimensions: [{ Name: 'InferenceComponentName', Value: name }],
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      AlarmActions: [Match.anyValue()],
    });
  });

  it('where a copy always runs, nothing wakes it', () => {
    const awake = synthEndpoint({ host, minTargets: 2, concurrency: 3 });
    awake.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 1);
    awake.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: Match.objectLike({ TargetValue: 3 }),
    });
    awake.hasResourceProperties('AWS::SageMaker::InferenceComponent', { RuntimeConfig: { CopyCount: 2 } });
    awake.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      ProductionVariants: [Match.objectLike({ ManagedInstanceScaling: Match.objectLike({ MinInstanceCount: 2 }) })],
    });
  });

  it('keeps its log a month, in the group that SageMaker writes to', () => {
    const [component] = Object.values(template.findResources('AWS::SageMaker::InferenceComponent'));
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: `/aws/sagemaker/InferenceComponents/${component!['Properties'].InferenceComponentName}`,
      RetentionInDays: 30,
    });
  });

  it('is asked by whom it lets, at this endpoint and component alone', () => {
    const [caller = ''] = Object.keys(template.findResources('AWS::IAM::Role')).filter((id) => /^Caller/.test(id));
    const statements = statementsOf(template, caller);
    const may = (action: string, resource: string) => isAllowed(statements, { action, resource });
    const [endpoint = ''] = Object.keys(template.findResources('AWS::SageMaker::Endpoint'));
    const [component = ''] = Object.keys(template.findResources('AWS::SageMaker::InferenceComponent'));
    expect(may('sagemaker:InvokeEndpoint', `<${endpoint}.EndpointArn>`)).toBe(true);
    expect(may('sagemaker:InvokeEndpoint', `<${component}.InferenceComponentArn>`)).toBe(true);
    expect(may('sagemaker:InvokeEndpoint', '<another>')).toBe(false);
    expect(may('sagemaker:DeleteEndpoint', `<${endpoint}.EndpointArn>`)).toBe(false);
  });

  it('may pull its image, read its own model, write its log, and no more', () => {
    const [config] = Object.values(template.findResources('AWS::SageMaker::EndpointConfig'));
    const role = config!['Properties'].ExecutionRoleArn['Fn::GetAtt'][0];
    const statements = statementsOf(template, role);
    const arn = /"Fn::ImportValue":"([^"]*ModelStoreBucket[^"]*Arn[^"]*)"/.exec(JSON.stringify(template.toJSON()))?.[1];
    const may = (action: string, resource: string, context = {}) =>
      isAllowed(statements, { action, resource, context });
    expect(may('s3:GetObject', `<${arn}>/iris/index.json`)).toBe(true);
    expect(may('s3:GetObject', `<${arn}>/ppocr-det/index.json`)).toBe(false);
    expect(may('s3:PutObject', `<${arn}>/iris/index.json`)).toBe(false);
    const namespace = (name: string) => ({ 'cloudwatch:namespace': name });
    expect(may('cloudwatch:PutMetricData', '*', namespace('/aws/sagemaker/InferenceComponents'))).toBe(true);
    expect(may('cloudwatch:PutMetricData', '*', namespace('glowplug'))).toBe(false);
    expect(may('ec2:CreateNetworkInterface', '*')).toBe(false);
    expect(may('ecr:GetAuthorizationToken', '*')).toBe(true);
    expect(may('ecr:PutImage', '*')).toBe(false);
    // The endpoint waits for these rights: it pulls its image with them.
    const policies = Object.keys(template.findResources('AWS::IAM::Policy'));
    expect(policies.some((policy) => config!['DependsOn'].includes(policy))).toBe(true);
  });

  it('is attached to a network that it is given, and may be', () => {
    const vpc = Vpc.fromVpcAttributes(new Stack(), 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['us-east-1a', 'us-east-1b'],
      privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    });
    const attached = synthEndpoint({ host, vpc }, { nag: true });
    attached.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      VpcConfig: {
        Subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
        SecurityGroupIds: [Match.anyValue()],
      },
    });
    const [config] = Object.values(attached.findResources('AWS::SageMaker::EndpointConfig'));
    const statements = statementsOf(attached, config!['Properties'].ExecutionRoleArn['Fn::GetAtt'][0]);
    expect(isAllowed(statements, { action: 'ec2:CreateNetworkInterface', resource: '*' })).toBe(true);
  });

  it('tells glowplug deploy which versions the image uses', () => {
    template.hasResource('AWS::SageMaker::InferenceComponent', {
      Metadata: Match.objectLike({
        'glowplug:endpoint': 'sort',
        'glowplug:pins': [Match.objectLike({ model: 'iris', digest: Match.stringLikeRegexp('^sha256:') })],
      }),
    });
  });

  it('refuses trusted keys that are longer than its variables', () => {
    const { x: publicKey } = generateKey('ci');
    const keys = Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`ci-${at}`, { publicKey, models: ['*'] }]));
    expect(() => synthEndpoint({ host }, { trusted: { keys } })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('GLOWPLUG_TRUSTED_KEYS to have 1024 characters or fewer'),
      }),
    );
    expect(() => synthEndpoint({}, { trusted: { keys } })).not.toThrow();
  });

  it('is clean under AwsSolutions', () => {
    expect(() => synthEndpoint({ host }, { nag: true })).not.toThrow();
  });
});
