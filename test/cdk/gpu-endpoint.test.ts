// An endpoint as a construct: where it may run, how it scales from zero and back, and who may do what.
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { isAllowed, statementsOf } from './policy.ts';
import { synthEndpoint as synth } from './synth-endpoint.ts';

describe('GpuEndpoint', () => {
  let template: Template;
  beforeAll(() => {
    template = synth();
  });

  it('runs one GPU a target on ECS Managed Instances, and takes a bad deployment back', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      RequiresCompatibilities: ['MANAGED_INSTANCES'],
      ContainerDefinitions: [
        Match.objectLike({
          Command: ['functions/sort', '--drain', '100'],
          StopTimeout: 120,
          ResourceRequirements: [{ Type: 'GPU', Value: '1' }],
        }),
      ],
    });
    template.hasResourceProperties('AWS::ECS::Service', {
      DeploymentConfiguration: {
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        Alarms: Match.objectLike({ Enable: true, Rollback: true }),
        MinimumHealthyPercent: 100,
      },
      CapacityProviderStrategy: Match.anyValue(),
      LaunchType: Match.absent(),
    });
    const [capacity] = Object.values(template.findResources('AWS::ECS::CapacityProvider'));
    expect(JSON.stringify(capacity)).toMatch(/"AcceleratorNames":\["l4"\]/);
  });

  it('scales by how long runs wait, from zero to four, and to zero when nobody asks', () => {
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 0, MaxCapacity: 4 });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 50,
        CustomizedMetricSpecification: Match.objectLike({
          Namespace: 'glowplug',
          MetricName: 'QueueMilliseconds',
          // By its cluster, which no other stage of the account has.
          Dimensions: [{ Name: 'Endpoint', Value: clusterOf(template) }],
          Statistic: 'Average',
        }),
      },
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      StepScalingPolicyConfiguration: { AdjustmentType: 'ExactCapacity', StepAdjustments: [{ ScalingAdjustment: 0 }] },
    });
    const [idle] = Object.values(template.findResources('AWS::CloudWatch::Alarm')).filter(({ Properties }) =>
      JSON.stringify(Properties.Metrics ?? '').includes('FILL(requests, 0)'),
    );
    expect(idle?.['Properties']).toMatchObject({ EvaluationPeriods: 15, Threshold: 0 });
    // Off while it sleeps: an alarm that stays on would take each target back that the waker starts.
    expect(JSON.stringify(idle?.['Properties'].Metrics)).toMatch(/IF\(FILL\(desired, 1\) < 1, 1, .*DesiredTaskCount/);
  });

  it('lets the waker answer while nobody serves, and do nothing but wake this endpoint', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
      Priority: 2,
      Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }],
    });
    const [, waker] = Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => /Waker/.test(id))!;
    const statements = statementsOf(template, waker['Properties'].Role['Fn::GetAtt'][0]);
    const [service = ''] = Object.keys(template.findResources('AWS::ECS::Service'));
    expect(isAllowed(statements, { action: 'ecs:UpdateService', resource: `<${service}>` })).toBe(true);
    expect(isAllowed(statements, { action: 'ecs:UpdateService', resource: '<another>' })).toBe(false);
    expect(isAllowed(statements, { action: 'ecs:DeleteService', resource: `<${service}>` })).toBe(false);
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { 'detail-type': ['ECS Task State Change'], detail: { lastStatus: ['RUNNING', 'STOPPED'] } },
    });
  });

  it('tells who sends a large body to come back, too, and wakes by an alarm for what the waker never sees', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', {
      Priority: 1,
      Conditions: [
        { Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } },
        {
          Field: 'http-header',
          HttpHeaderConfig: { HttpHeaderName: 'content-length', Values: ['7?????', '8?????', '9?????', '???????*'] },
        },
      ],
      Actions: [
        {
          Type: 'fixed-response',
          FixedResponseConfig: { StatusCode: '503', MessageBody: Match.stringLikeRegexp('SERVER_BUSY') },
        },
      ],
    });
    const both = Object.keys(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
    for (const { Properties } of Object.values(template.findResources('AWS::Events::Rule'))) {
      for (const rule of both) expect(JSON.stringify(Properties.Targets)).toContain(`"Ref":"${rule}"`);
    }
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
    const [, unheard] = alarms.find(([id]) => /Unheard/.test(id))!;
    expect(JSON.stringify(unheard['Properties'].Metrics)).toContain('IF(FILL(desired, 0) < 1,');
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      StepScalingPolicyConfiguration: { AdjustmentType: 'ExactCapacity', StepAdjustments: [{ ScalingAdjustment: 1 }] },
    });
  });

  it('has no waker where a target always runs', () => {
    const awake = synth({ minTargets: 1 });
    awake.resourceCountIs('AWS::Lambda::Function', 0);
    awake.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 1 });
  });

  it('takes its keys from Secrets Manager: none stands in its environment', () => {
    const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
    const [server] = task!['Properties'].ContainerDefinitions;
    expect(server.Secrets).toEqual([{ Name: 'GLOWPLUG_API_KEYS', ValueFrom: expect.anything() }]);
    // One with a comma would be two keys.
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: { ExcludePunctuation: true, PasswordLength: 40 },
    });
    expect(server.Environment.map(({ Name }: { Name: string }) => Name).sort()).toEqual([
      'AWS_REGION',
      'GLOWPLUG_ENDPOINT',
      'GLOWPLUG_MODELS_MB',
      'GLOWPLUG_STAGE',
      'GLOWPLUG_STORE',
    ]);
    expect(server.Environment).toContainEqual({ Name: 'GLOWPLUG_ENDPOINT', Value: clusterOf(template) });
  });

  it('may read its own model and write nothing', () => {
    const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
    const statements = statementsOf(template, task!['Properties'].TaskRoleArn['Fn::GetAtt'][0]);
    const arn = /"Fn::ImportValue":"([^"]*ModelStoreBucket[^"]*Arn[^"]*)"/.exec(JSON.stringify(template.toJSON()))?.[1];
    const may = (action: string, key: string) => isAllowed(statements, { action, resource: `<${arn}>/${key}` });
    expect(may('s3:GetObject', 'iris/index.json')).toBe(true);
    expect(may('s3:GetObject', 'ppocr-det/index.json')).toBe(false);
    expect(may('s3:PutObject', 'iris/index.json')).toBe(false);
  });

  it('tells glowplug deploy which versions the image uses', () => {
    template.hasResource('AWS::ECS::TaskDefinition', {
      Metadata: {
        'glowplug:endpoint': 'sort',
        'glowplug:pins': [Match.objectLike({ model: 'iris', version: '1.0.0' })],
      },
    });
  });

  it('is reached from its VPC alone', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internal' });
    expect(JSON.stringify(template.findResources('AWS::EC2::SecurityGroup'))).not.toContain(
      '"CidrIp":"0.0.0.0/0","FromPort"',
    );
  });

  it('takes spot instances when told so', () => {
    expect(JSON.stringify(synth({ spot: true }).findResources('AWS::ECS::CapacityProvider'))).toContain('SPOT');
  });

  it('refuses at synth what could not run', () => {
    expect(() => synth({ gpu: 'l40s' }, { region: 'eu-west-2' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining("Use gpu: 't4'") }),
    );
    expect(() => synth({}, { region: 'af-south-1' })).toThrow(/a region that offers the GPU l4, got af-south-1/);
    expect(() => synth({ moreRegions: ['af-south-1'] }, { region: 'af-south-1' })).not.toThrow();
    expect(() => synth({ gpu: 't4' }, { modelBytes: 20 * 2 ** 30 })).toThrow(
      expect.objectContaining({ remedy: "Use gpu: 'a10g'." }),
    );
    expect(() => synth({ image: 'images/none' })).toThrow(/expected a Dockerfile in/);
    expect(() => synth({ minTargets: 5 })).toThrow(/minTargets of at most maxTargets/);
    // As JavaScript, or a configuration, may say it.
    expect(() => synth(JSON.parse('{ "host": "sagmaker" }'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', remedy: expect.stringContaining('ecs, lambda, sagemaker') }),
    );
  });

  it('is clean under AwsSolutions', () => {
    expect(() => synth({}, { nag: true })).not.toThrow();
  });
});

function clusterOf(template: Template) {
  return { Ref: Object.keys(template.findResources('AWS::ECS::Cluster'))[0] };
}
