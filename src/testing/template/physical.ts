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
    case 'AWS::IAM::Role':
      return own(resource, 'RoleName') ?? generated.slice(-64);
    case 'AWS::Logs::LogGroup':
      return own(resource, 'LogGroupName') ?? generated;
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
    case 'AWS::IAM::Role Arn':
      return `arn:aws:iam::${place.account}:role/${physical}`;
    case 'AWS::Logs::LogGroup Arn':
      return `${arn('logs', place)}:log-group:${physical}:*`;
    default:
      return undefined;
  }
}

function own(resource: Resource, property: string): string | undefined {
  const value = resource.property(property);
  return typeof value === 'string' ? value : undefined;
}

function arn(service: string, place: Place): string {
  return `arn:aws:${service}:${place.region}:${place.account}`;
}
