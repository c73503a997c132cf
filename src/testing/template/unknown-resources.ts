// What of a template neither runs in the local cloud nor is without effect at run time: named, so that nobody waits for it.
import type { Stack } from './intrinsics.ts';
import { objectAt, stringAt } from './json.ts';

/** What this cloud runs. */
const run = new Set([
  'AWS::Lambda::Function',
  'AWS::Lambda::LayerVersion',
  'AWS::Lambda::Url',
  'AWS::Lambda::Version',
  'AWS::Lambda::Alias',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Events::Rule',
  'AWS::Scheduler::Schedule',
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Authorizer',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Stage',
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  'AWS::ElasticLoadBalancingV2::Listener',
  'AWS::ElasticLoadBalancingV2::ListenerRule',
  'AWS::ElasticLoadBalancingV2::TargetGroup',
  'AWS::S3::Bucket',
  'AWS::SecretsManager::Secret',
  'AWS::SQS::Queue',
]);
/** What has its effect on AWS alone: rights, logs, alarms, networks, and what deploys. */
const silent =
  /^(AWS::(IAM|Logs|CloudWatch|CDK|EC2|KMS|SSM|CodeDeploy|ApplicationAutoScaling|CloudFormation)::|AWS::Lambda::(Permission|CapacityProvider)$|AWS::(S3::BucketPolicy|SQS::QueuePolicy|SNS::TopicPolicy)$|Custom::)/;

/** `AWS::DynamoDB::Table (2)`, in order. */
export function unknownResources(stacks: readonly Stack[]): string[] {
  const counts = new Map<string, number>();
  for (const { template } of stacks) {
    for (const resource of Object.values(objectAt(template, 'Resources'))) {
      const type = stringAt(resource, 'Type') ?? 'a resource without a type';
      if (!run.has(type) && !silent.test(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
    }
  }
  return [...counts].sort().map(([type, count]) => (count === 1 ? type : `${type} (${count})`));
}
