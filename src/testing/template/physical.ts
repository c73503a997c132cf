// The names and attributes that resources get when they are "deployed" here: the template's own, else made from the
// stack and the logical id, so that they are the same at every start.
import type { Json } from './json.ts';

export interface Resource {
  readonly id: string;
  readonly type: string;
  property(name: string): Json | undefined;
}

export interface Place {
  readonly stack: string;
  readonly region: string;
  readonly account: string;
  readonly endpoint?: string;
}

/** What Ref gives. */
export function physicalName(resource: Resource, place: Place): string {
  const { id, type } = resource;
  const generated = `${place.stack}-${id}`;
  switch (type) {
    case 'AWS::S3::Bucket':
      // Lower case, at most 63 characters: the end of the logical id, CDK's hash, is what tells them apart.
      return own(resource, 'BucketName') ?? generated.toLowerCase().slice(-63).replace(/^-+/, '');
    case 'AWS::Lambda::Function':
      return own(resource, 'FunctionName') ?? generated.slice(-64);
    case 'AWS::Lambda::Version':
      return `${functionArnOf(resource, place)}:${onlyVersion}`;
    case 'AWS::Lambda::Alias':
      return `${functionArnOf(resource, place)}:${own(resource, 'Name') ?? id}`;
    case 'AWS::IAM::Role':
      return own(resource, 'RoleName') ?? generated.slice(-64);
    case 'AWS::Logs::LogGroup':
      return own(resource, 'LogGroupName') ?? generated;
    case 'AWS::ElasticLoadBalancingV2::TargetGroup':
      return `${arn('elasticloadbalancing', place)}:targetgroup/${own(resource, 'Name') ?? generated}/local`;
    case 'AWS::SecretsManager::Secret':
      // AWS puts six characters behind the name.
      return `${arn('secretsmanager', place)}:secret:${own(resource, 'Name') ?? generated}-local0`;
    case 'AWS::SQS::Queue':
      return `${place.endpoint ?? `https://sqs.${place.region}.amazonaws.com`}/${place.account}/${queueName(resource, place)}`;
    case 'AWS::Lambda::LayerVersion':
      return `${arn('lambda', place)}:layer:${own(resource, 'LayerName') ?? id}:1`;
    default:
      return generated;
  }
}

/** What Fn::GetAtt gives; undefined for what only AWS can know. */
export function attribute(resource: Resource, name: string, place: Place): string | undefined {
  const physical = physicalName(resource, place);
  switch (`${resource.type} ${name}`) {
    case 'AWS::S3::Bucket Arn':
      return `arn:aws:s3:::${physical}`;
    case 'AWS::Lambda::Function Arn':
      return `${arn('lambda', place)}:function:${physical}`;
    case 'AWS::SecretsManager::Secret Id':
      return physical;
    case 'AWS::SQS::Queue Arn':
      return `${arn('sqs', place)}:${queueName(resource, place)}`;
    case 'AWS::SQS::Queue QueueName':
      return queueName(resource, place);
    case 'AWS::SQS::Queue QueueUrl':
      return physical;
    case 'AWS::Lambda::Version Version':
      return onlyVersion;
    case 'AWS::Lambda::Version FunctionArn':
    case 'AWS::Lambda::Alias AliasArn':
      return physical;
    case 'AWS::IAM::Role Arn':
      return `arn:aws:iam::${place.account}:role/${physical}`;
    case 'AWS::Logs::LogGroup Arn':
      return `${arn('logs', place)}:log-group:${physical}:*`;
    default:
      return undefined;
  }
}

/** At most 80 characters; a FIFO queue's end with .fifo. */
function queueName(resource: Resource, { stack }: Place): string {
  const suffix = `${resource.property('FifoQueue')}` === 'true' ? '.fifo' : '';
  return own(resource, 'QueueName') ?? `${stack}-${resource.id}`.slice(-80 + suffix.length) + suffix;
}

/** The number of the one version that a template can hold of a function. */
export const onlyVersion = '1';

/** Of what belongs to a function: its FunctionName is the function's name or ARN. */
function functionArnOf(resource: Resource, place: Place): string {
  const name = own(resource, 'FunctionName') ?? '';
  return name.startsWith('arn:') ? name : `${arn('lambda', place)}:function:${name}`;
}

function own(resource: Resource, property: string): string | undefined {
  const value = resource.property(property);
  return typeof value === 'string' ? value : undefined;
}

function arn(service: string, place: Place): string {
  return `arn:aws:${service}:${place.region}:${place.account}`;
}
