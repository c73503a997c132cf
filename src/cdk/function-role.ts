// What a function may do: write its own log, send traces, read its own models, and, in a VPC, be attached to it.
import { Aws, Validations } from 'aws-cdk-lib';
import { Effect, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ModelStore } from './model-store.ts';

export interface FunctionRoleProps {
  readonly logGroup: LogGroup;
  readonly store: ModelStore;
  readonly models: readonly string[];
  readonly tracing: boolean;
  readonly inVpc: boolean;
}

/** A role of our own: the managed policies that CDK gives by default may write to every log group of the account. */
export function functionRole(scope: Construct, props: FunctionRoleProps): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  props.logGroup.grantWrite(role);
  if (props.tracing) attachTracing(role);
  if (props.inVpc) attachNetwork(role);
  if (props.models.length > 0) props.store.grantRead(role, props.models);
  return role;
}

function attachTracing(role: Role): void {
  const tracing = new Policy(role, 'Tracing', {
    statements: [
      new PolicyStatement({ actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], resources: ['*'] }),
    ],
  });
  tracing.attachToRole(role);
  Validations.of(tracing).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'X-Ray has no resources: these two actions can be allowed for * alone.',
  });
}

/** With which Lambda attaches a function to a VPC: AWSLambdaVPCAccessExecutionRole without its logs. */
export const networkActions = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, "Required IAM permissions" and "Security best practices". */
function attachNetwork(role: Role): void {
  const functions = `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function:*`;
  const network = new Policy(role, 'Network', {
    statements: [
      new PolicyStatement({ actions: networkActions, resources: ['*'] }),
      new PolicyStatement({
        effect: Effect.DENY,
        actions: networkActions,
        resources: ['*'],
        // Set when the function's own code calls, and not when Lambda attaches it.
        conditions: { ArnLike: { 'lambda:SourceFunctionArn': functions } },
      }),
    ],
  });
  network.attachToRole(role);
  Validations.of(network).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'Lambda asks for these on * to attach a function to a VPC; the function’s own code is denied them.',
  });
}
