// What a SageMaker endpoint may do: pull its image, write its log and its metrics, and, in a VPC, be attached to it.
import type { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { explainWildcard } from './explain.ts';

export interface SageMakerRoleProps {
  readonly image: DockerImageAsset;
  readonly logGroup: LogGroup;
  readonly inVpc: boolean;
}

/** https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html, "CreateModel API: Execution Role Permissions". */
export function sagemakerRole(scope: Construct, { image, logGroup, inVpc }: SageMakerRoleProps): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
  logGroup.grant(role, 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents');
  image.repository.grantPull(role);
  role.addToPolicy(
    new PolicyStatement({
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringLike: { 'cloudwatch:namespace': ['AWS/SageMaker', '/aws/sagemaker/*'] } },
    }),
  );
  explainWildcard(
    role,
    '*',
    'ecr:GetAuthorizationToken and cloudwatch:PutMetricData can be allowed for * alone; the metrics are SageMaker’s own.',
  );
  if (inVpc) attachNetwork(role);
  return role;
}

function attachNetwork(role: Role): void {
  const network = new Policy(role, 'Network', {
    statements: [
      new PolicyStatement({
        actions: [
          'ec2:CreateNetworkInterface',
          'ec2:CreateNetworkInterfacePermission',
          'ec2:DeleteNetworkInterface',
          'ec2:DeleteNetworkInterfacePermission',
          'ec2:DescribeDhcpOptions',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeSecurityGroups',
          'ec2:DescribeSubnets',
          'ec2:DescribeVpcs',
        ],
        resources: ['*'],
      }),
    ],
  });
  network.attachToRole(role);
  explainWildcard(network, '*', 'SageMaker asks for these on * to attach an endpoint to a VPC.');
}
